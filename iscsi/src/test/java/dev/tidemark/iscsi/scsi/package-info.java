/** Tests of the disk that an initiator sees. */
@NullMarked
package dev.tidemark.iscsi.scsi;

import org.jspecify.annotations.NullMarked;
