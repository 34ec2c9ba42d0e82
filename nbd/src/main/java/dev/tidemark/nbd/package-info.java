/**
 * The NBD protocol: codec and server.
 *
 * <p>A connection is a Netty channel with one handler at a time: {@link
 * dev.tidemark.nbd.HandshakeHandler} while the client chooses an export, then {@link
 * dev.tidemark.nbd.TransmissionHandler}. Bytes are turned into options by {@code OptionDecoder} and
 * {@code OptionParser}, and each option is answered by a unit of its own through {@code
 * OptionExchange}; what they agree on is kept in {@code Negotiation} and becomes a {@code Session}.
 * Bytes are turned into requests by {@code RequestDecoder} and checked by {@code RequestRules};
 * answers are written by a {@code ReplyWriter}, one class for each form: simple, structured,
 * extended. A request that the device answers in parts is a {@code PartedRequest}. All state of a
 * connection belongs to its event loop; a device may complete requests on any thread.
 *
 * <p>Section names in comments are those of the protocol's own document, "The NBD protocol"
 * (proto.md); those of extended headers are in its branch extension-ext-header.
 *
 * <p>May touch the block-device interface and Netty; knows nothing of journals or of iSCSI.
 */
@NullMarked
package dev.tidemark.nbd;

import org.jspecify.annotations.NullMarked;
