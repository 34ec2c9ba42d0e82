package dev.tidemark.replica;

/**
 * A stretch of a group's history in which no point can be had, though it lies in the window.
 *
 * @param beforeSequence the newest point before it
 * @param beforeMicros time of that, or of the first record inside
 * @param endSequence the first point after it; 0 when it has not ended
 * @param endMicros time of that; 0 when it has not ended
 * @param synchronised whether the copy's order was broken and it was synchronised; otherwise the
 *     stretch is one of a rollback or promotion
 * @param why it was synchronised, as the source told; empty when it did not, or was not asked
 */
public record HistoryGap(
        long beforeSequence,
        long beforeMicros,
        long endSequence,
        long endMicros,
        boolean synchronised,
        String why) {}
