package dev.tidemark.journal;

import dev.tidemark.storage.StorageFile;

/**
 * One open segment file with a count of its readers: once retired it is deleted when the last
 * reader has given it back. Thread-safe.
 */
@SuppressWarnings("DoNotCallSuggester")
final class Segment {
    private final SegmentKind kind;
    private final long number;
    private final int unitBytes;
    private final StorageFile file;

    Segment(SegmentKind kind, long number, int unitBytes, StorageFile file) {
        this.kind = kind;
        this.number = number;
        this.unitBytes = unitBytes;
        this.file = file;
    }

    SegmentKind kind() {
        return kind;
    }

    long number() {
        return number;
    }

    /** Size of the storage unit; positions in [{@link SegmentHeader#RESERVED_BYTES}, this). */
    int unitBytes() {
        return unitBytes;
    }

    StorageFile file() {
        return file;
    }

    /** Counts a reader; false when the segment is gone. */
    boolean tryRetain() {
        throw new UnsupportedOperationException();
    }

    /** The end of a successful {@link #tryRetain}. */
    void release() {
        throw new UnsupportedOperationException();
    }
}
