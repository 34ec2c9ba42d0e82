package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.UUID;

/**
 * The first bytes of every segment file. Written when the file is made, and once more, with what
 * was not known then, by the first write into it.
 *
 * @param first first sequence number (redo, write log) or first run (undo) in it; 0 while unused
 * @param generation grows by one each time a log was cut
 * @param previous number of the segment before it in the log; 0 for none
 * @param previousEnd where that one's last record ends: what lies behind is void
 * @param firstTimeMicros timestamp of the first record
 */
@SuppressWarnings("DoNotCallSuggester")
record SegmentHeader(
        SegmentKind kind,
        UUID owner,
        long number,
        int unitBytes,
        long createdMicros,
        long first,
        long firstTimeMicros,
        int generation,
        long previous,
        int previousEnd) {
    /** Room kept for the header, so that what follows begins page-aligned. */
    static final int RESERVED_BYTES = 4096;

    boolean used() {
        return first != 0;
    }

    void encode(ByteBuffer target) {
        throw new UnsupportedOperationException();
    }
}
