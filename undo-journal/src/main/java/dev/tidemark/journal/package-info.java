/**
 * The journal of a protection group: segments of redo records, group commit, checkpoints, undo
 * runs, retention, and recovery.
 *
 * <p>May touch the storage seam and the block-device interface; never a file or a socket.
 */
@NullMarked
package dev.tidemark.journal;

import org.jspecify.annotations.NullMarked;
