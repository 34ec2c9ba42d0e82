/**
 * The block-device interface: asynchronous requests on ranges of bytes, features, and error codes.
 *
 * <p>May touch the JDK and Netty's buffers.
 */
@NullMarked
package dev.tidemark.blockdevice;

import org.jspecify.annotations.NullMarked;
