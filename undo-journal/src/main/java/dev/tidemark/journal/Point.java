package dev.tidemark.journal;

import org.jspecify.annotations.Nullable;

/**
 * The exact point taken: the state after the record with this sequence number.
 *
 * @param timeMicros timestamp of that record
 * @param base the boundary a view of this point stands on: the newest one that is neither after the
 *     point nor after gold
 * @param checkpoint the checkpoint exactly at this point, if there is one
 */
public record Point(
        long sequence, long timeMicros, Boundary base, @Nullable Checkpoint checkpoint) {}
