package dev.tidemark.journal;

/**
 * What a journal has done since it was opened.
 *
 * @param appendedRecords records in the redo log
 * @param appendedBytes their bytes, headers and zeros written ahead included
 * @param gatheredWrites writes that carried them
 * @param forces forces of redo segments
 * @param manifestEdits edits appended to the manifest
 * @param manifestForces forces of the manifest
 * @param undoRuns runs committed
 * @param undoBytes before-image bytes written
 * @param indexBytes index bytes written, merged ones included
 * @param merges index merges
 * @param createdUnits segments created
 * @param freedUnits segments given back
 */
public record JournalCounters(
        long appendedRecords,
        long appendedBytes,
        long gatheredWrites,
        long forces,
        long manifestEdits,
        long manifestForces,
        long undoRuns,
        long undoBytes,
        long indexBytes,
        long merges,
        long createdUnits,
        long freedUnits) {}
