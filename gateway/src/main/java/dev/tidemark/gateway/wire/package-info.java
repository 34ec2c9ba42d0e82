/**
 * The JSON documents of the REST API, shared by server and client.
 *
 * <p>Records only; times are ISO 8601 in UTC with microseconds, sizes carry their unit in the name.
 */
@NullMarked
package dev.tidemark.gateway.wire;

import org.jspecify.annotations.NullMarked;
