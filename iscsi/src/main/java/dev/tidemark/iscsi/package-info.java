/**
 * The iSCSI protocol: PDU codec, login, sessions, and the SCSI disk behind them.
 *
 * <p>May touch the block-device interface and Netty; knows nothing of journals or of NBD.
 */
@NullMarked
package dev.tidemark.iscsi;

import org.jspecify.annotations.NullMarked;
