package dev.tidemark.journal;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.execution.Scheduler;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Brings a log its next segment: ahead of need where segments are preallocated, and after a cut one
 * whose forced header says where the log broke off. Keeps the records that wait for it.
 *
 * <p>A full pool is no failure at once, since the fold frees redo all the time: whoever makes room
 * says so ({@link #roomMade}) and the supply tries again; only after {@link #PATIENCE_NANOS}
 * without success the waiting records hear NO_SPACE, and so does each that comes later, until there
 * is room again. Guarded by the log's lock, but for what says otherwise; segments are made on an
 * executor of its own.
 */
final class SegmentSupply {
    /** How long records wait for room in the pool. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** The log that is supplied. */
    interface Customer {
        /** The log goes on in this segment, after a cut. Under the lock. */
        void continueIn(Segment made);

        /** There is a segment for a record that waited; at worst it waits again. Under the lock. */
        void place(PendingRecord record);

        /** Writes what was placed. Under the lock. */
        void write();

        /** A force failed. Outside the lock. */
        void fail(JournalException cause);
    }

    private enum Patience {
        /** Room was found, or nobody has asked for it. */
        FRESH,
        /** Records wait, and the deadline is set. */
        WAITING,
        /** The deadline has passed: records hear at once. */
        OVER
    }

    private final LogState state;
    private final LogTail tail;
    private final SegmentStore store;
    private final Scheduler scheduler;
    private final boolean ahead;
    private final Customer customer;
    private final Executor executor;

    private final RecordQueue waiting = new RecordQueue();
    private @Nullable Segment next;
    private boolean working;
    private Patience patience = Patience.FRESH;
    private Scheduler.@Nullable Cancellable deadline;

    /** A segment was asked for and has not come: room is of interest. Read without the lock. */
    private volatile boolean wanted;

    /**
     * @param ahead make the next segment before it is needed, and wait for room
     */
    SegmentSupply(
            LogState state,
            LogTail tail,
            SegmentStore store,
            Scheduler scheduler,
            boolean ahead,
            Customer customer) {
        this.state = state;
        this.tail = tail;
        this.store = store;
        this.scheduler = scheduler;
        this.ahead = ahead;
        this.customer = customer;
        this.executor = scheduler.newSerial("segments");
    }

    /** Whether records wait: what comes later waits behind them. */
    boolean isAwaited() {
        return !waiting.isEmpty();
    }

    /** Keeps a record until there is a segment. */
    void await(PendingRecord record) {
        waiting.add(record);
    }

    /** The segment made ahead; null when there is none. */
    @Nullable Segment take() {
        Segment prepared = next;
        next = null;
        return prepared;
    }

    /** Asks for a segment where they are made ahead. */
    void requestAhead() {
        if (ahead) {
            request();
        }
    }

    /** Asks for a segment unless one is there or on its way. */
    void request() {
        if (state.isOpen() && (next == null || tail.isCut())) {
            wanted = true;
            if (!working) {
                working = true;
                executor.execute(this::work);
            }
        }
    }

    /** There may be room now where there was none. From any thread, under any lock; cheap. */
    void roomMade() {
        if (wanted) {
            executor.execute(this::tryAgain);
        }
    }

    private void tryAgain() {
        state.lock.lock();
        try {
            request();
        } finally {
            state.lock.unlock();
        }
    }

    private void work() {
        @Nullable Segment made = null;
        @Nullable JournalException failure = null;
        try {
            made = takeOrCreate();
            SegmentHeader afterCut = headerAfterCut(made);
            if (afterCut != null) {
                LogFiles.writeHeader(made, afterCut);
            }
        } catch (JournalException e) {
            failure = e;
        }
        if (failure != null && failure.kind() == JournalException.Kind.FAILED) {
            customer.fail(failure);
        }
        state.lock.lock();
        try {
            working = false;
            ended(made, failure);
        } finally {
            state.unlockAndTell();
        }
    }

    private Segment takeOrCreate() throws JournalException {
        state.lock.lock();
        try {
            Segment prepared = take();
            if (prepared != null) {
                return prepared;
            }
        } finally {
            state.lock.unlock();
        }
        return store.create();
    }

    /** Null while no cut is pending. While one is, nothing is appended. */
    private @Nullable SegmentHeader headerAfterCut(Segment made) {
        state.lock.lock();
        try {
            return tail.isCut() ? tail.headerAfterCut(made) : null;
        } finally {
            state.lock.unlock();
        }
    }

    private void ended(@Nullable Segment made, @Nullable JournalException failure) {
        // Only room that others make is worth another try, not that of the segment given back here.
        wanted = made == null && isFull(failure);
        if (made != null && (failure != null || !state.isOpen())) {
            store.retire(made);
        }
        if (!state.isOpen()) {
            wanted = false;
            return;
        }
        if (made == null || failure != null) {
            if (!hasPatience(failure)) {
                waiting.drainTo(state.ended, refusal(failure));
            }
            return;
        }
        calm();
        if (tail.isCut() && made.header().used()) {
            customer.continueIn(made);
        } else {
            next = made;
        }
        placeWaiting();
        if (tail.isCut()) {
            request();
        } else {
            requestAhead();
        }
    }

    private void placeWaiting() {
        RecordQueue queued = new RecordQueue();
        waiting.drainTo(queued, null);
        PendingRecord record = queued.poll();
        while (record != null) {
            if (waiting.isEmpty()) {
                customer.place(record);
            } else {
                waiting.add(record);
            }
            record = queued.poll();
        }
        customer.write();
    }

    private boolean hasPatience(@Nullable JournalException failure) {
        if (!ahead || !isFull(failure) || waiting.isEmpty() || patience == Patience.OVER) {
            return false;
        }
        if (patience == Patience.FRESH) {
            patience = Patience.WAITING;
            deadline = scheduler.schedule(PATIENCE_NANOS, this::endPatience);
        }
        return true;
    }

    /** A last try, whose failure is told. */
    private void endPatience() {
        state.lock.lock();
        try {
            if (patience == Patience.WAITING) {
                patience = Patience.OVER;
                request();
            }
        } finally {
            state.lock.unlock();
        }
    }

    private void calm() {
        patience = Patience.FRESH;
        Scheduler.Cancellable set = deadline;
        deadline = null;
        if (set != null) {
            set.cancel();
        }
    }

    /** Nothing is made any more; what waits hears why. */
    void stop(BlockDeviceException why) {
        wanted = false;
        calm();
        waiting.drainTo(state.ended, why);
    }

    private static boolean isFull(@Nullable JournalException failure) {
        return failure != null && failure.kind() == JournalException.Kind.NO_SPACE;
    }

    private static BlockDeviceException refusal(@Nullable JournalException failure) {
        return new BlockDeviceException(
                isFull(failure) ? ErrorCode.NO_SPACE : ErrorCode.IO,
                "the journal has no segment to go on in: "
                        + (failure == null ? "" : failure.getMessage()),
                failure);
    }
}
