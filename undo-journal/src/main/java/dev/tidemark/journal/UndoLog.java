package dev.tidemark.journal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The undo runs of a group, their merged indexes, and the segments both lie in.
 *
 * <p>Runs are built by one thread at a time, indexes are merged by another; readers see immutable
 * snapshots published through a volatile field.
 */
@SuppressWarnings("DoNotCallSuggester")
final class UndoLog {
    /** Makes a run or a merged index part of history: appends to the manifest and forces it. */
    interface Recorder {
        void record(RunDescriptor run) throws JournalException;

        void record(SpanDescriptor span) throws JournalException;
    }

    private UndoLog() {}

    /**
     * Opens the undo log with what the manifest says is in it; segments no descriptor names and
     * whose number is above all named ones are left-overs and retired. Reads no index. Blocking.
     *
     * @param tailRun last run that is not kept any more; 0 at first
     */
    static UndoLog open(
            SegmentStore segments,
            IndexCache cache,
            long tailRun,
            List<RunDescriptor> runs,
            List<SpanDescriptor> spans,
            Recorder recorder,
            Counters counters,
            JournalListener listener)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Begins the next run. {@link UndoRunBuilder#commit} forces, records, then publishes it. */
    UndoRunBuilder beginRun(Boundary to, int epoch) throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Number of the newest published run; {@code tailRun} when there is none. */
    long lastRun() {
        throw new UnsupportedOperationException();
    }

    /** Descriptors of the published runs, ascending; an immutable snapshot. */
    List<RunDescriptor> runs() {
        throw new UnsupportedOperationException();
    }

    /** Descriptors of the published spans; an immutable snapshot. */
    List<SpanDescriptor> spans() {
        throw new UnsupportedOperationException();
    }

    /**
     * Does the next due piece of index merging, if there is one: writes, forces, records and
     * publishes one span. Never waits for a run being built. Blocking.
     *
     * @return the span, or null when nothing is due now
     */
    @Nullable SpanDescriptor mergeStep() throws JournalException {
        throw new UnsupportedOperationException();
    }

    UndoLookup lookup(long afterRun) {
        throw new UnsupportedOperationException();
    }

    /** Visits what the runs in (fromRun, toRun] changed in a volume. Blocking. */
    void visitChanged(long fromRun, long toRun, int volume, ChangeVisitor visitor)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    /**
     * Last run that anything in the oldest segment belongs to; -1 when only one segment is left.
     */
    long oldestSegmentLastRun() {
        throw new UnsupportedOperationException();
    }

    /**
     * Forgets the runs up to {@code run} and every span that covers one of them, and retires the
     * segments in which nothing else lies. The caller has recorded the new tail durably.
     *
     * @return number of segments retired
     */
    int dropThrough(long run) {
        throw new UnsupportedOperationException();
    }

    /** Bytes of before-images and indexes in the retained runs and spans. */
    long dataBytes() {
        throw new UnsupportedOperationException();
    }

    /** Bytes of indexes and fences among them. */
    long indexBytes() {
        throw new UnsupportedOperationException();
    }

    /** Closes nothing but itself: the segments belong to the store. */
    void close() {}
}
