package dev.tidemark.journal;

/** Keeps a range of a log's segments readable although retention may have given them up. */
public interface SegmentLease extends AutoCloseable {
    /** Gives the segments back. Idempotent. */
    @Override
    void close();
}
