/**
 * What the gateway measures, and the device filter that measures requests.
 *
 * <p>The filter runs on event loops and never blocks.
 */
@NullMarked
package dev.tidemark.gateway.metrics;

import org.jspecify.annotations.NullMarked;
