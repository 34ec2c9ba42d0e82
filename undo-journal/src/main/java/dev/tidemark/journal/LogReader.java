package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads what is in a log's segments, and keeps them while it does. Thread-safe; where the log ends
 * is asked under its lock.
 */
final class LogReader {
    private final SegmentStore store;
    private final LogState state;
    private final LogTail tail;
    private final int owner;
    private final JournalListener listener;

    LogReader(
            SegmentStore store, LogState state, LogTail tail, int owner, JournalListener listener) {
        this.store = store;
        this.state = state;
        this.tail = tail;
        this.owner = owner;
        this.listener = listener;
    }

    /** Where the oldest record without a gap after it begins. */
    Position begin() {
        state.lock.lock();
        try {
            Segment first = SegmentChain.upTo(store, tail.current()).getFirst();
            return new Position(
                    first.number(), SegmentHeader.RESERVED_BYTES, first.header().first());
        } finally {
            state.lock.unlock();
        }
    }

    /** Bytes written into the segments, their headers included. */
    long writtenBytes() {
        state.lock.lock();
        try {
            long bytes = 0;
            for (Segment segment : store.segments()) {
                bytes +=
                        segment.equals(tail.current())
                                ? tail.positionInCurrent()
                                : Math.max(SegmentHeader.RESERVED_BYTES, segment.dataEnd());
            }
            return bytes;
        } finally {
            state.lock.unlock();
        }
    }

    /**
     * The segment that holds a sequence number, or will, by its first place; null when it has gone.
     */
    @Nullable Position segmentOf(long sequence) {
        state.lock.lock();
        try {
            Position found = null;
            for (Segment segment : SegmentChain.upTo(store, tail.current())) {
                long first = segment.header().first();
                if (first <= sequence) {
                    found = new Position(segment.number(), SegmentHeader.RESERVED_BYTES, first);
                }
            }
            return found;
        } finally {
            state.lock.unlock();
        }
    }

    /** Bytes of records from a place up to the end. */
    long bytesAfter(Position from) {
        state.lock.lock();
        try {
            long bytes = 0;
            for (Segment segment : SegmentChain.from(store, from)) {
                long end =
                        segment.equals(tail.current())
                                ? tail.positionInCurrent()
                                : Math.max(SegmentHeader.RESERVED_BYTES, segment.dataEnd());
                boolean first = segment.number() == from.segment();
                bytes += end - (first ? from.position() : SegmentHeader.RESERVED_BYTES);
            }
            return Math.max(0, bytes);
        } finally {
            state.lock.unlock();
        }
    }

    /** As {@link #cursor}, with a reader that was used before. */
    LogCursor cursor(Position from, long lastWanted, RecordReader used) throws JournalException {
        state.lock.lock();
        try {
            long limit = Math.min(lastWanted, tail.lastSequence());
            return new LogCursor(used, hold(from, limit), from, limit);
        } finally {
            state.lock.unlock();
        }
    }

    int owner() {
        return owner;
    }

    /** A cursor from a place on that arrives at no record after {@code lastWanted}. */
    RecordCursor cursor(Position from, long lastWanted) throws JournalException {
        state.lock.lock();
        try {
            long limit = Math.min(lastWanted, tail.lastSequence());
            return new LogCursor(owner, hold(from, limit), from, limit);
        } finally {
            state.lock.unlock();
        }
    }

    /** Whether every record from a place up to a sequence number already appended is kept. */
    boolean reaches(Position from, long sequence) {
        state.lock.lock();
        try {
            List<Segment> chain = SegmentChain.from(store, from);
            if (chain.isEmpty()) {
                return false;
            }
            Segment last = chain.getLast();
            return last.dataEnd() == 0
                    ? last.equals(tail.current())
                    : last.lastSequence() >= sequence;
        } finally {
            state.lock.unlock();
        }
    }

    /** Keeps the segments from one place up to and with another's readable. */
    SegmentLease lease(Position from, Position to) throws JournalException {
        List<Segment> held;
        state.lock.lock();
        try {
            held = new ArrayList<>(hold(from, to.sequence() - 1));
        } finally {
            state.lock.unlock();
        }
        return () -> {
            synchronized (held) {
                held.forEach(Segment::release);
                held.clear();
            }
        };
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
    private List<Segment> hold(Position from, long limit) throws JournalException {
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
