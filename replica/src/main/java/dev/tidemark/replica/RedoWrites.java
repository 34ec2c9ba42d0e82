package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.Position;
import dev.tidemark.journal.RecordCursor;
import dev.tidemark.journal.RecordKind;

/**
 * What redo records wrote to one volume, each range with the sequence number and the time of its
 * last write: read from the records' headers, up to one interval of them. Not thread-safe.
 */
final class RedoWrites {
    private final Journal journal;
    private final int volume;
    private final ExtentMap writes = new ExtentMap();
    private Position next;

    /** Nothing yet; begins behind a boundary. */
    RedoWrites(Journal journal, int volume, Boundary after) {
        this.journal = journal;
        this.volume = volume;
        this.next = after.redo();
    }

    /**
     * Those of the records behind a boundary that come after one sequence number, up to another.
     */
    static ExtentMap between(
            Journal journal, int volume, Boundary base, long afterSequence, long lastSequence)
            throws JournalException {
        RedoWrites found = new RedoWrites(journal, volume, base);
        found.read(afterSequence, lastSequence);
        return found.writes;
    }

    /** Goes on up to a record. Blocking; the caller keeps the records from being freed. */
    void readUpTo(long lastSequence) throws JournalException {
        read(0, lastSequence);
    }

    private void read(long afterSequence, long lastSequence) throws JournalException {
        if (lastSequence < next.sequence()) {
            return;
        }
        try (RecordCursor cursor = journal.redo().cursor(next, lastSequence)) {
            while (cursor.next()) {
                boolean writes = cursor.kind() == RecordKind.WRITE;
                if ((writes || cursor.kind() == RecordKind.ZERO)
                        && cursor.volume() == volume
                        && cursor.sequence() > afterSequence) {
                    put(cursor);
                }
                next = cursor.end();
            }
        }
    }

    private void put(RecordCursor cursor) {
        writes.put(
                cursor.offsetBytes(), cursor.lengthBytes(), cursor.sequence(), cursor.timeMicros());
    }

    /** Sequence number of the next record to read. */
    long nextSequence() {
        return next.sequence();
    }

    ExtentMap writes() {
        return writes;
    }
}
