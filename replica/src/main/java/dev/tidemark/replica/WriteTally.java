package dev.tidemark.replica;

import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.RecordKind;

/**
 * How many writes of hosts the log has taken since the group was opened, up to which record.
 * Thread-safe; held for a moment only, under the redo log's lock too.
 */
final class WriteTally {
    /** The count just after a record. */
    record At(long sequence, long records, long bytes) {}

    private long sequence; // guarded by this
    private long records; // guarded by this
    private long bytes; // guarded by this

    /**
     * @param sequence the newest record in the log
     */
    WriteTally(long sequence) {
        this.sequence = sequence;
    }

    /** Whether a record is a host's, here or at the source: it counts at every copy. */
    static boolean counts(RecordKind kind, int flags) {
        return (kind == RecordKind.WRITE || kind == RecordKind.ZERO)
                && (flags & PendingRecord.FLAG_INTERNAL) == 0;
    }

    /** A record is in the log. Under the redo log's lock. */
    synchronized void appended(PendingRecord record) {
        sequence = record.sequence();
        if (counts(record.kind(), record.flags())) {
            records++;
            bytes += record.lengthBytes();
        }
    }

    synchronized At now() {
        return new At(sequence, records, bytes);
    }
}
