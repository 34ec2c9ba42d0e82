package dev.tidemark.journal;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Gives whole units back: redo that is folded and older than the fine window, undo that is older
 * than the history window, and more when there is no room. Never what a pin needs. All methods
 * block; one lock lets one thread do so at a time, and index merging runs under it too.
 */
final class Retention implements SegmentPool.Reclaimer {
    /** Held redo is much when it is more than the pool's used bytes divided by this. */
    private static final int MUCH_SHARE = 4;

    private final Manifest manifest;
    private final RecordLog redo;
    private final UndoLog undo;
    private final SegmentStore undoStore;
    private final Pins pins;
    private final LongSupplier poolUsedBytes;
    private final LongSupplier clockMicros;
    private final JournalListener listener;
    private final ReentrantLock lock = new ReentrantLock();

    private volatile long windowMicros;
    private volatile long budgetBytes;
    private volatile long fineWindowMicros;
    private volatile boolean started;
    private volatile HistoryHeir heir = HistoryHeir.NONE;

    Retention(
            Manifest manifest,
            RecordLog redo,
            UndoLog undo,
            SegmentStore undoStore,
            Pins pins,
            LongSupplier poolUsedBytes,
            LongSupplier clockMicros,
            JournalListener listener,
            JournalOptions options) {
        this.manifest = manifest;
        this.redo = redo;
        this.undo = undo;
        this.undoStore = undoStore;
        this.pins = pins;
        this.poolUsedBytes = poolUsedBytes;
        this.clockMicros = clockMicros;
        this.listener = listener;
        set(options.historyWindowMicros(), options.historyBytes(), options.fineWindowMicros());
    }

    void set(long window, long bytes, long fineWindow) {
        windowMicros = window;
        budgetBytes = bytes;
        fineWindowMicros = fineWindow;
    }

    /** Who keeps something of the history that goes; before {@link #start}. */
    void heir(HistoryHeir told) {
        heir = told;
    }

    /** Pins are set: from here on units may go. */
    void start() {
        started = true;
    }

    /** Pins a point unless what it needs has gone; null then. */
    @Nullable Pin pin(Point point, BooleanSupplier isKept) {
        lock.lock();
        try {
            return isKept.getAsBoolean() ? pins.add(point) : null;
        } finally {
            lock.unlock();
        }
    }

    /** Keeps redo after a sequence number unless some of it has gone; null then. */
    @Nullable RedoHold hold(long afterSequence, Runnable onGivenUp) {
        lock.lock();
        try {
            boolean kept =
                    afterSequence >= redo.begin().sequence() - 1
                            && afterSequence <= redo.lastSequence();
            return kept ? pins.hold(afterSequence, onGivenUp) : null;
        } finally {
            lock.unlock();
        }
    }

    /** Merges indexes by one step; false when there is nothing to do now. */
    boolean mergeStep() throws JournalException {
        lock.lock();
        try {
            return undo.mergeStep();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Gives back what has expired.
     *
     * @return true when something is left that will expire by time alone
     */
    boolean pass() throws JournalException {
        lock.lock();
        try {
            long now = clockMicros.getAsLong();
            for (Segment segment : foldedRedo()) {
                if (endTime(segment) <= now - fineWindowMicros) {
                    retireRedo(segment);
                }
            }
            boolean dropped = true;
            while (dropped && undoExpired(now)) {
                dropped = dropOldestUndo(JournalListener.DropReason.WINDOW);
            }
            while (dropped && overBudget()) {
                dropped = dropOldestUndo(JournalListener.DropReason.BUDGET);
            }
            for (Segment segment : foldedRedo()) {
                if (overBudget()) {
                    retireRedo(segment);
                }
            }
            return !foldedRedo().isEmpty() || undo.oldestSegmentLastRun() >= 0;
        } finally {
            lock.unlock();
        }
    }

    /** Records what merging has not recorded yet. */
    void close() throws JournalException {
        lock.lock();
        try {
            undo.close();
        } finally {
            lock.unlock();
        }
    }

    /** What is kept for copies alone is no history. */
    private boolean overBudget() {
        return redo.store().bytes() + undoStore.bytes() - heldBytes() > budgetBytes;
    }

    private long heldBytes() {
        return redo(true).stream().mapToLong(Segment::unitBytes).sum();
    }

    /** What can be freed. */
    private List<Segment> foldedRedo() {
        return redo(false);
    }

    /**
     * Closed segments that gold holds and no pin needs, oldest first. The segment after each is on
     * disk with a record: a log is found by the newest segment that says it is used.
     *
     * @param held those that copies need, else those that nobody needs
     */
    private List<Segment> redo(boolean held) {
        long gold = Math.min(manifest.state().gold().sequence(), redo.durableSequence() - 1);
        Segment current = redo.current();
        List<Segment> free = new ArrayList<>();
        for (Segment segment : redo.store().segments()) {
            SegmentHeader header = segment.header();
            if (header.used() && !segment.equals(current)) {
                long last = lastSequence(segment);
                if (last <= gold
                        && !pins.needsRedo(header.first(), last)
                        && pins.holdsRedo(last) == held) {
                    free.add(segment);
                }
            }
        }
        return free;
    }

    /** Exact, or for a segment whose successor has gone no less than it is. */
    private long lastSequence(Segment segment) {
        if (segment.lastSequence() != Long.MAX_VALUE) {
            return segment.lastSequence();
        }
        Segment next = next(segment);
        return next == null ? Long.MAX_VALUE : next.header().first() - 1;
    }

    /** No record in the segment is later than this. */
    private long endTime(Segment segment) {
        Segment next = next(segment);
        return next == null ? Long.MAX_VALUE : next.header().firstTimeMicros();
    }

    private @Nullable Segment next(Segment segment) {
        for (Segment other : redo.store().segments()) {
            if (other.number() > segment.number() && other.header().used()) {
                return other;
            }
        }
        return null;
    }

    private boolean retireRedo(Segment segment) throws JournalException {
        if (manifest.durableGold().sequence() < lastSequence(segment)) {
            manifest.force();
        }
        keepEndOfPrevious(segment);
        redo.store().retire(segment);
        return true;
    }

    /**
     * A segment says where the one before it ends; when that one stays, it has to say it itself.
     */
    private void keepEndOfPrevious(Segment segment) throws JournalException {
        SegmentHeader header = segment.header();
        Segment before = redo.store().segment(header.previous());
        if (before != null && before.header().end() == 0) {
            LogFiles.writeHeader(
                    before, before.header().endingAt(header.previousEnd(), header.first() - 1));
        }
    }

    private boolean undoExpired(long now) {
        long last = undo.oldestSegmentLastRun();
        ManifestState state = manifest.state();
        return last >= 0
                && last <= state.gold().run()
                && state.boundary(Math.max(last, state.tail().run())).timeMicros()
                        <= now - windowMicros;
    }

    /** Drops the oldest undo segment unless it is pinned, or the last one. */
    private boolean dropOldestUndo(JournalListener.DropReason reason) throws JournalException {
        ManifestState state = manifest.state();
        long last = undo.oldestSegmentLastRun();
        if (last < 0 || last > state.gold().run() || last > pins.oldestBaseRun()) {
            return false;
        }
        Boundary from = state.tail();
        if (last > from.run()) {
            Boundary to = state.boundary(last);
            List<ManifestEdit> edits = new ArrayList<>();
            heir.before(from, to)
                    .forEach((key, value) -> edits.add(new ManifestEdit.AttributePut(key, value)));
            edits.add(new ManifestEdit.TailAt(to, state.epochAt(last)));
            manifest.append(edits, true);
            heir.after();
            listener.historyDropped(from, to, reason);
        }
        return undo.dropThrough(last) > 0;
    }

    /**
     * Whether this thread is giving back or merging: then it must not wait for another group to
     * give something, which may be waiting for this one.
     */
    boolean isBusyHere() {
        return lock.isHeldByCurrentThread();
    }

    @Override
    public void roomMade() {
        redo.roomMade();
    }

    /** Gives one unit back before its time because there is no room. */
    @Override
    public boolean reclaim(SegmentPool.Level level) {
        if (!started || lock.isHeldByCurrentThread()) {
            return false;
        }
        lock.lock();
        try {
            return switch (level) {
                case FOLDED_REDO -> reclaimRedo();
                case MUCH_HELD_REDO ->
                        heldBytes() > poolUsedBytes.getAsLong() / MUCH_SHARE && giveUpHeld();
                case OLDEST_HISTORY -> dropOldestUndo(JournalListener.DropReason.POOL_FULL);
                case HELD_REDO -> giveUpHeld();
            };
        } catch (JournalException failure) {
            listener.event("making room failed: " + failure.getMessage());
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** The copies that need the oldest redo lose it, one after the other until a unit is free. */
    private boolean giveUpHeld() throws JournalException {
        if (redo(true).isEmpty()) {
            return false;
        }
        while (foldedRedo().isEmpty()) {
            long after = pins.giveUpOldestHold();
            if (after < 0) {
                return false;
            }
            listener.poolFull(
                    "there is no room for another unit: redo after sequence number "
                            + after
                            + " is no longer held for a copy, which has to be synchronised");
        }
        return retireRedo(foldedRedo().getFirst());
    }

    private boolean reclaimRedo() throws JournalException {
        List<Segment> free = foldedRedo();
        if (free.isEmpty()) {
            return false;
        }
        Segment oldest = free.getFirst();
        listener.poolFull(
                "there is no room for another unit: folded redo up to sequence number "
                        + lastSequence(oldest)
                        + " is given up before the fine window ends");
        return retireRedo(oldest);
    }
}
