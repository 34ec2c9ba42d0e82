package dev.tidemark.journal;

/**
 * What the manifest knows of one undo run.
 *
 * @param boundary where it ends; holds the run's number, sequence, time, redo place, checkpoint
 * @param epoch the group's epoch at the boundary
 * @param segment undo segment that holds the whole run
 * @param dataPosition where its before-images begin
 * @param indexPosition where its index blocks begin
 * @param fencePosition where its fences begin
 * @param endPosition where it ends
 * @param entryCount number of index entries; 0 for an empty run, which occupies nothing
 * @param indexBlockCount number of index blocks
 * @param dataBytes bytes of before-images
 * @param fenceChecksum CRC-32C of the fences
 */
record RunDescriptor(
        Boundary boundary,
        int epoch,
        long segment,
        long dataPosition,
        long indexPosition,
        long fencePosition,
        long endPosition,
        int entryCount,
        int indexBlockCount,
        long dataBytes,
        int fenceChecksum) {
    long run() {
        return boundary.run();
    }
}
