package dev.tidemark.journal;

/**
 * A place between two records of a log: just before the record with this sequence number.
 *
 * @param segment number of the segment file
 * @param position byte offset inside it; the next record may also be the first of a later segment
 * @param sequence sequence number of the next record
 */
public record Position(long segment, long position, long sequence) {}
