package dev.tidemark.journal;

import org.jspecify.annotations.Nullable;

/**
 * The end of a log: the segment being written to, how far it is written, and where it was cut when
 * a write failed. Changed under the log's lock; what is volatile is read from any thread.
 */
final class LogTail {
    private Segment current;

    /** Where the next record goes at the earliest. */
    private int position = SegmentHeader.RESERVED_BYTES;

    /** The current segment takes nothing any more; its records end at {@link #cutPosition}. */
    private boolean cut;

    private int cutPosition;
    private int generation;
    private volatile int epoch = 1;
    private volatile long lastSequence;
    private volatile long lastTimeMicros;

    /**
     * @param current empty, written and forced
     * @param sequence of the last record in the log; 0 when there is none
     * @param timeMicros of that record
     */
    LogTail(Segment current, long sequence, long timeMicros) {
        this.current = current;
        this.generation = current.header().generation();
        this.lastSequence = sequence;
        this.lastTimeMicros = timeMicros;
    }

    Segment current() {
        return current;
    }

    boolean isCut() {
        return cut;
    }

    /** The place just after the last record. */
    Position end() {
        return new Position(current.number(), position, lastSequence + 1);
    }

    /** Bytes of the current segment that are written. */
    int positionInCurrent() {
        return position;
    }

    /** Highest sequence number appended. From any thread. */
    long lastSequence() {
        return lastSequence;
    }

    /** Timestamp of the last record. From any thread. */
    long lastTimeMicros() {
        return lastTimeMicros;
    }

    /** The owner's generation as records carry it. From any thread. */
    int epoch() {
        return epoch;
    }

    void epoch(int now) {
        epoch = now;
    }

    /** A record is in the log. */
    void appended(PendingRecord record) {
        lastTimeMicros = record.timeMicros;
        lastSequence = record.sequence;
        position = Math.toIntExact(record.endPosition);
    }

    /**
     * Goes on in the segment made ahead; returns its header, which is to be written with the first
     * records.
     */
    SegmentHeader rollTo(Segment next, long timeMicros) {
        SegmentHeader header =
                next.header()
                        .usedFrom(
                                lastSequence + 1,
                                timeMicros,
                                current.number(),
                                position,
                                generation);
        current.end(position, lastSequence);
        next.header(header);
        current = next;
        position = SegmentHeader.RESERVED_BYTES;
        return header;
    }

    /** Nobody knows what the current segment holds from this position on. */
    void cutAt(int from) {
        cut = true;
        cutPosition = from;
    }

    /** What the segment after the cut has to say. While a cut is pending nothing is appended. */
    SegmentHeader headerAfterCut(Segment made) {
        SegmentHeader header = current.header();
        return made.header()
                .usedFrom(
                        lastSequence + 1,
                        lastTimeMicros,
                        isCutEmpty() ? header.previous() : current.number(),
                        isCutEmpty() ? header.previousEnd() : cutPosition,
                        generation + 1);
    }

    private boolean isCutEmpty() {
        return cutPosition <= SegmentHeader.RESERVED_BYTES;
    }

    /**
     * Goes on after a cut in a segment whose header is forced; returns the one left behind when it
     * holds nothing.
     */
    @Nullable Segment continueIn(Segment made) {
        Segment left = current;
        if (!isCutEmpty()) {
            left.end(cutPosition, lastSequence);
        }
        boolean empty = isCutEmpty();
        current = made;
        position = SegmentHeader.RESERVED_BYTES;
        generation++;
        cut = false;
        return empty ? left : null;
    }
}
