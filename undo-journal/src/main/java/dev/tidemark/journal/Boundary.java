package dev.tidemark.journal;

import org.jspecify.annotations.Nullable;

/**
 * The end of an undo run, or the origin of the journal (run 0): a sequence number that gold was or
 * will be exactly at.
 *
 * @param run number of the run that ends here
 * @param sequence last sequence number folded by the run
 * @param timeMicros timestamp of that record
 * @param redo where the redo after this boundary begins
 * @param checkpoint the checkpoint at this sequence number; null for a cut and for the origin
 */
public record Boundary(
        long run, long sequence, long timeMicros, Position redo, @Nullable Checkpoint checkpoint) {}
