package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Reads what is in a log's segments, and keeps them while it does. Thread-safe. */
final class LogReader {
    private final SegmentStore store;
    private final int owner;
    private final JournalListener listener;

    LogReader(SegmentStore store, int owner, JournalListener listener) {
        this.store = store;
        this.owner = owner;
        this.listener = listener;
    }

    /** See {@link RecordLog#read}. */
    boolean read(
            long segment,
            long position,
            int volume,
            long recordOffsetBytes,
            long fromBytes,
            ByteBuffer target,
            boolean cachedOnly)
            throws JournalException {
        Segment held = store.retained(segment);
        if (held == null) {
            throw new JournalException(
                    JournalException.Kind.CORRUPT,
                    "segment "
                            + segment
                            + " in "
                            + store.directory().path()
                            + " is asked for and has gone");
        }
        try {
            return PayloadReader.ofThread()
                    .read(
                            held,
                            owner,
                            position,
                            volume,
                            recordOffsetBytes,
                            fromBytes,
                            target,
                            cachedOnly);
        } catch (JournalException failure) {
            if (failure.kind() == JournalException.Kind.CORRUPT) {
                listener.corrupt(
                        held.file().path(), position, String.valueOf(failure.getMessage()));
            }
            throw failure;
        } finally {
            held.release();
        }
    }

    /** See {@link RecordLog#uncache}. */
    void uncache(Position from, Position to) {
        for (long number = from.segment(); number <= to.segment(); number++) {
            Segment held = store.retained(number);
            if (held != null) {
                long begin = number == from.segment() ? from.position() : 0;
                long end = number == to.segment() ? to.position() : held.unitBytes();
                held.file().uncache(begin, end - begin);
                held.release();
            }
        }
    }

    /**
     * Retains the segments from a place up to the one with the last wanted record, as far as there
     * is no gap. The caller gives them back.
     */
    List<Segment> hold(Position from, long limit) throws JournalException {
        List<Segment> held = new ArrayList<>();
        if (from.sequence() > limit) {
            return held;
        }
        for (Segment segment : SegmentChain.from(store, from)) {
            if (segment.header().first() > limit || !segment.tryRetain()) {
                break;
            }
            held.add(segment);
        }
        if (held.isEmpty()) {
            throw new JournalException(
                    JournalException.Kind.CORRUPT,
                    "record "
                            + from.sequence()
                            + " is asked for, and segment "
                            + from.segment()
                            + " in "
                            + store.directory().path()
                            + " has gone");
        }
        return held;
    }
}
