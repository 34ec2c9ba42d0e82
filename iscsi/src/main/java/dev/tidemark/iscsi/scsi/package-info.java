/**
 * A SCSI disk over a block device: commands (SPC-4, SBC-3, SBC-4), sense, vital product data, mode
 * pages, reservations, unit attentions.
 *
 * <p>Knows block devices and nothing of the network. A {@link dev.tidemark.iscsi.scsi.LogicalUnit}
 * is shared by all sessions and guards its state with its own monitor, under which nothing waits
 * and no device is called; a {@link dev.tidemark.iscsi.scsi.UnitHandle} is one session's view of
 * it. Commands end on whatever thread the device completes them.
 */
@NullMarked
package dev.tidemark.iscsi.scsi;

import org.jspecify.annotations.NullMarked;
