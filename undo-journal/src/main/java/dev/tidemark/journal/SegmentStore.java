package dev.tidemark.journal;

import dev.tidemark.storage.StorageDirectory;
import java.util.List;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The segment files of one kind in one directory, drawn from a pool. Thread-safe. */
@SuppressWarnings("DoNotCallSuggester")
final class SegmentStore {
    private SegmentStore() {}

    /** Opens what is there and verifies the headers. Blocking. */
    static SegmentStore open(
            SegmentKind kind,
            UUID owner,
            StorageDirectory directory,
            int unitBytes,
            boolean preallocate,
            SegmentPool pool,
            LongSupplier clockMicros,
            Counters counters)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    /**
     * Makes the next segment: a unit from the pool, the file, its blocks, the header; file and
     * directory forced. Blocking. Fails with NO_SPACE, after which nothing is left behind, or with
     * FAILED when a force failed.
     */
    Segment create() throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** The segment of that number, or null. */
    @Nullable Segment segment(long number) {
        throw new UnsupportedOperationException();
    }

    /** All segments, ascending. */
    List<Segment> segments() {
        throw new UnsupportedOperationException();
    }

    /** Takes a segment out; its file is deleted and its unit given back when nobody reads it. */
    void retire(Segment segment) {
        throw new UnsupportedOperationException();
    }

    /** Bytes of the units held. */
    long bytes() {
        throw new UnsupportedOperationException();
    }

    /** Closes the files. */
    void close() {
        throw new UnsupportedOperationException();
    }
}
