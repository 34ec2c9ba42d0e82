/**
 * Block devices that wrap another one: validate, read-only, copy-on-write, throttle, delay, error.
 *
 * <p>May touch the block-device interface, the scheduler and Netty's buffers.
 */
@NullMarked
package dev.tidemark.blockdevice.filter;

import org.jspecify.annotations.NullMarked;
