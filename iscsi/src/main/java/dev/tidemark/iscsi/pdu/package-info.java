/**
 * iSCSI PDUs on the wire: the 48-byte header, additional headers, data segments, padding and CRC32C
 * digests (RFC 7143 section 11). Every length is bounded before anything is allocated for it.
 *
 * <p>May touch Netty's buffers and channels; knows nothing of sessions or SCSI. A decoder and a
 * writer belong to one event loop.
 */
@NullMarked
package dev.tidemark.iscsi.pdu;

import org.jspecify.annotations.NullMarked;
