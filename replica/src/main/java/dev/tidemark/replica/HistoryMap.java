package dev.tidemark.replica;

import dev.tidemark.blockdevice.StatusSource;

/**
 * What the journal knows of a volume's past up to the moment of a device: one number for each
 * range. Holds the history it needs until it is closed. Thread-safe.
 */
public interface HistoryMap extends StatusSource, AutoCloseable {
    /** The number of a range that changed, of a map of changes; 0 is one that did not. */
    long CHANGED = 1;

    /** What the numbers of a map of last writes are. */
    enum Mark {
        /** Sequence number. */
        SEQUENCE,
        /** Microseconds since 1970-01-01T00:00Z. */
        TIME
    }

    /** Lets the history go; after the last question has ended. Idempotent. */
    @Override
    void close();
}
