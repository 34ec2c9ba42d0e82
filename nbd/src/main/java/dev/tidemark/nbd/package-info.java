/**
 * The NBD protocol: codec and server.
 *
 * <p>A connection is a Netty channel with one handler at a time: {@link
 * dev.tidemark.nbd.HandshakeHandler} while the client chooses an export, then {@link
 * dev.tidemark.nbd.TransmissionHandler}. Bytes are turned into options by {@code OptionParser} and
 * into requests by {@code RequestDecoder}; answers are written by {@code OptionReplies} and by a
 * {@code ReplyWriter}. All state of a connection belongs to its event loop; a device may complete
 * requests on any thread.
 *
 * <p>Section names in comments are those of the protocol's own document, "The NBD protocol"
 * (proto.md).
 *
 * <p>May touch the block-device interface and Netty; knows nothing of journals or of iSCSI.
 */
@NullMarked
package dev.tidemark.nbd;

import org.jspecify.annotations.NullMarked;
