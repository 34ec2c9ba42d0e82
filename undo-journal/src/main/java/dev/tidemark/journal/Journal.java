package dev.tidemark.journal;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.storage.StorageDirectory;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The journal of one protection group: redo log, undo log, manifest, points and retention.
 * Thread-safe; methods that say so wait for a disk.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class Journal implements AutoCloseable {
    private Journal() {}

    /** Makes a new journal in a directory that holds none. Blocking. */
    public static Journal create(
            JournalOptions options,
            UUID group,
            StorageDirectory directory,
            Scheduler scheduler,
            SegmentPool pool,
            IndexCache cache,
            JournalListener listener)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    /**
     * Opens a journal: reads the manifest, finds the end of the redo log. Does not start background
     * work. Blocking.
     */
    public static Journal open(
            JournalOptions options,
            StorageDirectory directory,
            Scheduler scheduler,
            SegmentPool pool,
            IndexCache cache,
            JournalListener listener)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    public UUID group() {
        throw new UnsupportedOperationException();
    }

    public RecordLog redo() {
        throw new UnsupportedOperationException();
    }

    /** The group's generation, from 1; grows by one with each PROMOTE record. */
    public int epoch() {
        throw new UnsupportedOperationException();
    }

    /** Gold holds at least this; while {@link #pendingRun} is not null it is being moved there. */
    public Boundary goldBoundary() {
        throw new UnsupportedOperationException();
    }

    /**
     * The run that is recorded while gold may not hold its interval yet: the caller writes the
     * interval into gold again from redo, forces gold and calls {@link #goldAt}.
     */
    public @Nullable Boundary pendingRun() {
        throw new UnsupportedOperationException();
    }

    /** The owner's own durable state; an immutable copy. */
    public Map<String, byte[]> attributes() {
        throw new UnsupportedOperationException();
    }

    /** Sets an attribute, durably when {@code force}. Blocking. */
    public void putAttribute(String key, byte[] value, boolean force) throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Removes an attribute, durably when {@code force}; no-op when missing. Blocking. */
    public void deleteAttribute(String key, boolean force) throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Starts retention and index merging. Called once, after the owner has set its pins again. */
    public void start() {
        throw new UnsupportedOperationException();
    }

    /**
     * Forces redo up to the boundary and begins its undo run; {@code to.run()} is the last run + 1.
     * One at a time, on the owner's serial executor. Blocking.
     */
    public UndoRunBuilder beginRun(Boundary to) throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Gold holds the interval of the pending run, forced. Not durable by itself. Blocking. */
    public void goldAt(Boundary boundary) throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Finds the exact point. Reads redo headers: may wait for a disk. */
    public Point resolve(PointSpec spec) throws PointException, JournalException {
        throw new UnsupportedOperationException();
    }

    /** Checkpoints with a time in [from, to], newest first, at most {@code limit}. */
    public List<Checkpoint> checkpoints(
            long fromMicros, long toMicros, int limit, boolean taggedOnly) {
        throw new UnsupportedOperationException();
    }

    /** Keeps what a view at this point needs; fails when it has gone since it was resolved. */
    public Pin pin(Point point) throws PointException {
        throw new UnsupportedOperationException();
    }

    /** First hits in the runs after a boundary, for one view; the caller holds a pin meanwhile. */
    public UndoLookup lookup(Boundary base) {
        throw new UnsupportedOperationException();
    }

    /** Visits what the runs in (from, to] changed in a volume. Blocking. */
    public void visitChanged(Boundary from, Boundary to, int volume, ChangeVisitor visitor)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    public HistoryStatus history() {
        throw new UnsupportedOperationException();
    }

    public JournalCounters counters() {
        throw new UnsupportedOperationException();
    }

    /** Takes effect at the next retention pass. */
    public void setHistory(long windowMicros, long bytes, long fineWindowMicros) {
        throw new UnsupportedOperationException();
    }

    /** True once a force has failed: the journal reads, but takes nothing any more. */
    public boolean failed() {
        throw new UnsupportedOperationException();
    }

    /** Takes no more records; forces; closes the files. Blocking. Idempotent. */
    @Override
    public void close() throws JournalException {
        throw new UnsupportedOperationException();
    }
}
