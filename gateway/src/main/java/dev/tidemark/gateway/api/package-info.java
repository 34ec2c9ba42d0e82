/**
 * The REST API over HTTP: one table of routes, from which the server and its OpenAPI description
 * are made.
 *
 * <p>Handlers run on virtual threads and may block.
 */
@NullMarked
package dev.tidemark.gateway.api;

import org.jspecify.annotations.NullMarked;
