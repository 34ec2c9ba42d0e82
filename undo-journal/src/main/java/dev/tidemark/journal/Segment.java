package dev.tidemark.journal;

import dev.tidemark.storage.StorageFile;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One open segment file with a count of its readers: once retired it is deleted when the last
 * reader has given it back. Thread-safe.
 */
final class Segment {
    private final SegmentStore store;
    private final StorageFile file;
    private volatile SegmentHeader header;

    /** Where the last record ends once the log has gone on elsewhere; 0 before, or unknown. */
    private volatile int dataEnd;

    /** Sequence number of that record; {@link Long#MAX_VALUE} before, or unknown. */
    private volatile long lastSequence = Long.MAX_VALUE;

    /** Readers, and one for the store until the segment is retired. */
    private final AtomicInteger holders = new AtomicInteger(1);

    Segment(SegmentStore store, SegmentHeader header, StorageFile file) {
        this.store = store;
        this.header = header;
        this.file = file;
        if (header.end() != 0) {
            end(header.end(), header.last());
        }
    }

    SegmentStore store() {
        return store;
    }

    SegmentHeader header() {
        return header;
    }

    /** Takes note of what was written into the file. */
    void header(SegmentHeader written) {
        header = written;
    }

    /** Takes note that the log has gone on in another segment. */
    void end(int position, long sequence) {
        lastSequence = sequence;
        dataEnd = position;
    }

    int dataEnd() {
        return dataEnd;
    }

    long lastSequence() {
        return lastSequence;
    }

    SegmentKind kind() {
        return header.kind();
    }

    long number() {
        return header.number();
    }

    /** Size of the storage unit; positions lie in [{@link SegmentHeader#RESERVED_BYTES}, this). */
    int unitBytes() {
        return header.unitBytes();
    }

    StorageFile file() {
        return file;
    }

    /** Counts a reader; false when the segment is gone. */
    boolean tryRetain() {
        int count = holders.get();
        while (count > 0) {
            if (holders.compareAndSet(count, count + 1)) {
                return true;
            }
            count = holders.get();
        }
        return false;
    }

    /** The end of a successful {@link #tryRetain}. */
    void release() {
        int left = holders.decrementAndGet();
        assert left >= 0 : file.path() + " was given back more often than taken";
        if (left == 0) {
            store.delete(this);
        }
    }
}
