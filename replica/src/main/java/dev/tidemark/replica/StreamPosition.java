package dev.tidemark.replica;

/**
 * A place in a group's order: a record, as two sites compare it.
 *
 * @param sequence the source's number of the record
 * @param timeMicros when it was written
 * @param epoch it was written in
 */
public record StreamPosition(long sequence, long timeMicros, int epoch) {}
