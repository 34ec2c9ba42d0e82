/**
 * The iSCSI target: {@link dev.tidemark.iscsi.IscsiServer} listens on portals and serves what a
 * {@link dev.tidemark.iscsi.target.TargetCatalog} offers (RFC 7143; SPC-4, SBC-3, SBC-4).
 *
 * <p>{@code pdu} and {@code text} are the wire, {@code login} and {@code session} the protocol,
 * {@code scsi} the disk, {@code target} the interface to whoever embeds the server. May touch the
 * block-device interface and Netty; knows nothing of journals or of NBD.
 */
@NullMarked
package dev.tidemark.iscsi;

import org.jspecify.annotations.NullMarked;
