package dev.tidemark.journal;

/**
 * How far back a journal reaches and what that costs, at one moment.
 *
 * @param tail the oldest checkpoint or cut that can be had
 * @param headSequence the newest record
 * @param headTimeMicros its timestamp
 * @param goldSequence what gold holds
 * @param fineTailSequence from here on every sequence number can be had
 * @param fineTailTimeMicros its timestamp
 * @param checkpoints number of checkpoints that can be had
 * @param taggedCheckpoints those with a name
 * @param redoBytes bytes of redo segments, whole units
 * @param undoBytes bytes of undo segments, whole units
 * @param undoDataBytes before-images and indexes in them
 * @param indexBytes indexes in them, merged ones included
 * @param redoSegments number of redo segments
 * @param undoSegments number of undo segments
 * @param pins number of pins
 * @param poolUsedBytes bytes of all groups of the pool
 * @param poolBudgetBytes the pool's budget
 * @param undoBytesPerSecond mean growth of history over the retained window
 */
public record HistoryStatus(
        Boundary tail,
        long headSequence,
        long headTimeMicros,
        long goldSequence,
        long fineTailSequence,
        long fineTailTimeMicros,
        int checkpoints,
        int taggedCheckpoints,
        long redoBytes,
        long undoBytes,
        long undoDataBytes,
        long indexBytes,
        int redoSegments,
        int undoSegments,
        int pins,
        long poolUsedBytes,
        long poolBudgetBytes,
        double undoBytesPerSecond) {}
