/**
 * The storage seam: directories and files with an explicit force. The only place in Tidemark with
 * file channels or native calls.
 *
 * <p>May touch the JDK and Netty's buffers; knows nothing of block devices.
 */
@NullMarked
package dev.tidemark.storage;

import org.jspecify.annotations.NullMarked;
