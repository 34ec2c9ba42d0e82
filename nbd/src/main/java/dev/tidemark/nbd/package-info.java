/**
 * The NBD protocol: codec and server.
 *
 * <p>May touch the block-device interface and Netty; knows nothing of journals or of iSCSI.
 */
@NullMarked
package dev.tidemark.nbd;

import org.jspecify.annotations.NullMarked;
