package dev.tidemark.journal;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * Reads a log's records as it grows, one after the other, with their payloads. What it has not read
 * yet must be held by its user ({@link RedoHold}). Blocking; one thread at a time.
 */
public final class LogFollower implements AutoCloseable {
    private final LogReader log;
    private final RecordReader reader;
    private Position next;
    private @Nullable LogCursor cursor;

    LogFollower(LogReader log, long afterSequence) throws JournalException {
        this.log = log;
        this.reader = new RecordReader(log.owner());
        Position from = log.segmentOf(afterSequence + 1);
        if (from == null) {
            throw new JournalException(
                    JournalException.Kind.CORRUPT,
                    "record " + (afterSequence + 1) + " is asked for, and its segment has gone");
        }
        this.next = from;
        boolean there = false;
        try {
            skipTo(afterSequence);
            there = true;
        } finally {
            if (!there) {
                close();
            }
        }
    }

    private void skipTo(long afterSequence) throws JournalException {
        while (next.sequence() <= afterSequence) {
            if (!next(afterSequence)) {
                throw new JournalException(
                        JournalException.Kind.CORRUPT,
                        "record " + next.sequence() + " is asked for, and is not there");
            }
        }
    }

    /**
     * Moves on to the next record; false when that is after {@code lastWanted}, or not there yet.
     */
    public boolean next(long lastWanted) throws JournalException {
        LogCursor current = cursor;
        if (next.sequence() > lastWanted) {
            return false;
        }
        if (current == null || !current.next()) {
            close();
            // What was read before may have been written since.
            reader.forget();
            current = log.cursor(next, lastWanted, reader);
            cursor = current;
            if (!current.next()) {
                return false;
            }
        }
        next = current.end();
        return true;
    }

    private LogCursor at() {
        LogCursor current = cursor;
        if (current == null) {
            throw new IllegalStateException("there is no record yet");
        }
        return current;
    }

    /** The place after the last record; where the first begins before there is one. */
    public Position position() {
        return next;
    }

    public RecordKind kind() {
        return at().kind();
    }

    public int flags() {
        return at().flags();
    }

    public int volume() {
        return at().volume();
    }

    public long sequence() {
        return at().sequence();
    }

    public long timeMicros() {
        return at().timeMicros();
    }

    public long offsetBytes() {
        return at().offsetBytes();
    }

    public long lengthBytes() {
        return at().lengthBytes();
    }

    public int epoch() {
        return at().epoch();
    }

    public int payloadBytes() {
        return at().payloadBytes();
    }

    /** CRC32C of a chunk of 16 KiB of the payload. */
    public int chunkChecksum(int chunk) {
        return at().chunkChecksum(chunk);
    }

    /** Appends the payload to a buffer with room for it; verified. */
    public void copyPayload(ByteBuf into) throws JournalException {
        at().copyPayload(into);
    }

    @Override
    public void close() {
        LogCursor current = cursor;
        cursor = null;
        if (current != null) {
            current.close();
        }
    }
}
