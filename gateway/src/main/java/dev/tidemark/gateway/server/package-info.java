/**
 * The process put together: data directory, engine, protocol servers, API; start and clean stop.
 */
@NullMarked
package dev.tidemark.gateway.server;

import org.jspecify.annotations.NullMarked;
