/**
 * The gateway process, put together from the other modules.
 *
 * <p>May touch every module; nothing but the test harness may touch it.
 */
@NullMarked
package dev.tidemark.gateway;

import org.jspecify.annotations.NullMarked;
