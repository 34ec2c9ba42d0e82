package dev.tidemark.journal;

import dev.tidemark.blockdevice.Completion;
import dev.tidemark.execution.Scheduler;
import dev.tidemark.storage.StorageDirectory;
import java.nio.ByteBuffer;
import java.util.UUID;

/**
 * An append-only log of records in segments, with group commit: a group's redo log and, with other
 * options, a test's write log. Thread-safe.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class RecordLog implements AutoCloseable {
    private RecordLog() {}

    /** Makes a new log in an empty directory. Blocking. */
    public static RecordLog create(
            RecordLogOptions options,
            UUID owner,
            StorageDirectory directory,
            Scheduler scheduler,
            SegmentPool pool,
            JournalListener listener)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Opens a log, finds its end and goes on in a new segment. Blocking. */
    public static RecordLog open(
            RecordLogOptions options,
            UUID owner,
            StorageDirectory directory,
            Scheduler scheduler,
            SegmentPool pool,
            JournalListener listener)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    /**
     * Takes a record; the log owns it until it ends. It may be written at once, when a batch is
     * full. A record longer than {@link #maximumPayloadBytes} is a bug of the caller.
     */
    public void stage(PendingRecord record) {
        throw new UnsupportedOperationException();
    }

    /** Writes all staged records, of every thread, with one gathered write. */
    public void submit() {
        throw new UnsupportedOperationException();
    }

    /** Completes once every record appended before this call is on stable storage. */
    public void force(Completion done) {
        throw new UnsupportedOperationException();
    }

    /** Returns once every record up to {@code sequence} is on stable storage. Blocking. */
    public void forceNow(long sequence) throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Highest sequence number appended; 0 for an empty log. */
    public long lastSequence() {
        throw new UnsupportedOperationException();
    }

    /** Timestamp of the last record appended. */
    public long lastTimeMicros() {
        throw new UnsupportedOperationException();
    }

    /** Highest sequence number known to be on stable storage. */
    public long durableSequence() {
        throw new UnsupportedOperationException();
    }

    /** Longest payload a record can carry. */
    public int maximumPayloadBytes() {
        throw new UnsupportedOperationException();
    }

    /** Where the oldest retained record begins. */
    public Position begin() {
        throw new UnsupportedOperationException();
    }

    /** Where the next record will go; exact inside {@link PendingRecord#appended}. */
    public Position end() {
        throw new UnsupportedOperationException();
    }

    /** Bytes the segments occupy: whole units when preallocated. */
    public long diskBytes() {
        throw new UnsupportedOperationException();
    }

    /**
     * Fills {@code target} with the bytes from {@code fromBytes} on of the volume, as the WRITE
     * record at (segment, position) wrote them; verified.
     *
     * @param recordOffsetBytes where in the volume that record begins
     * @param cachedOnly never wait for a disk
     * @return false when it would have to wait; the target's position is then unchanged
     */
    public boolean read(
            long segment,
            long position,
            int volume,
            long recordOffsetBytes,
            long fromBytes,
            ByteBuffer target,
            boolean cachedOnly)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    /**
     * A cursor over the headers of the records from a place on, up to the end at this moment. It
     * keeps what it is going to read readable until it is closed.
     */
    public RecordCursor cursor(Position from) throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Keeps the segments from one place up to and with another's readable. */
    public SegmentLease lease(Position from, Position to) throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** True once a force has failed: the log reads, but takes nothing any more. */
    public boolean failed() {
        throw new UnsupportedOperationException();
    }

    /** Takes no more records; forces what is written; closes the files. Blocking. Idempotent. */
    @Override
    public void close() throws JournalException {
        throw new UnsupportedOperationException();
    }
}
