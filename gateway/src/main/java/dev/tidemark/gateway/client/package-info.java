/**
 * The command line's view of a running gateway: finds its address and token, speaks the REST API.
 */
@NullMarked
package dev.tidemark.gateway.client;

import org.jspecify.annotations.NullMarked;
