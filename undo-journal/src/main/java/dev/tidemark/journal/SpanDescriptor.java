package dev.tidemark.journal;

/**
 * What the manifest knows of one merged index.
 *
 * @param level covers 4^level aligned runs
 * @param firstRun first of them
 * @param lastRun last of them
 * @param segment undo segment that holds the index
 * @param indexPosition where its index blocks begin
 * @param fencePosition where its fences begin
 * @param endPosition where it ends
 * @param entryCount number of entries
 * @param indexBlockCount number of index blocks
 * @param fenceChecksum CRC-32C of the fences
 */
record SpanDescriptor(
        int level,
        long firstRun,
        long lastRun,
        long segment,
        long indexPosition,
        long fencePosition,
        long endPosition,
        int entryCount,
        int indexBlockCount,
        int fenceChecksum) {}
