package dev.tidemark.replica;

/**
 * What one copy of a group's writes has got since it was begun with, or since the process started.
 * Counted are the WRITE and ZERO records of hosts, each once; every field only grows.
 *
 * @param bytes lengths of the ranges that they wrote or zeroed
 * @param droppedRecords records that did not reach the copy as records
 */
public record CopyCounters(long records, long bytes, long droppedRecords) {
    public static final CopyCounters NONE = new CopyCounters(0, 0, 0);
}
