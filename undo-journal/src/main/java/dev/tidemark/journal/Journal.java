package dev.tidemark.journal;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.storage.StorageDirectory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The journal of one protection group: redo log, undo log, manifest, points and retention.
 * Thread-safe; methods that say so wait for a disk.
 *
 * <p>The directory's lock is the owner's business.
 */
public final class Journal implements AutoCloseable {
    private static final long RETENTION_PERIOD_NANOS = 10_000_000_000L;

    private final Scheduler scheduler;
    private final SegmentPool pool;
    private final JournalListener listener;
    private final Counters counters;
    private final Manifest manifest;
    private final Marks marks;
    private final Pins pins;
    private final RecordLog redo;
    private final SegmentStore undoStore;
    private final UndoLog undo;
    private final Points points;
    private final Retention retention;
    private final Executor maintenance;
    private final AtomicBoolean maintaining = new AtomicBoolean();
    private final AtomicBoolean timerSet = new AtomicBoolean();
    private volatile boolean started;
    private volatile boolean closed;

    /** A journal whose parts are made. */
    Journal(
            Manifest manifest,
            RecordLog redo,
            SegmentStore undoStore,
            UndoLog undo,
            Marks marks,
            JournalAssembly.Setting setting,
            Counters counters) {
        this.scheduler = setting.scheduler();
        this.pool = setting.pool();
        this.listener = setting.listener();
        this.counters = counters;
        this.manifest = manifest;
        this.redo = redo;
        this.undoStore = undoStore;
        this.undo = undo;
        this.marks = marks;
        this.pins = new Pins(pool::roomMade);
        this.points = new Points(manifest.state(), marks, redo, scheduler::wallClockMicros);
        this.retention =
                new Retention(
                        manifest,
                        redo,
                        undo,
                        undoStore,
                        pins,
                        pool::usedBytes,
                        scheduler::wallClockMicros,
                        listener,
                        setting.options());
        this.maintenance = scheduler.newSerial("maintenance");
        pool.register(retention);
    }

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
        return create(
                options,
                group,
                JournalStart.at(scheduler.wallClockMicros()),
                directory,
                scheduler,
                pool,
                cache,
                listener);
    }

    /** Makes a new journal that goes on from a state that is already there. Blocking. */
    public static Journal create(
            JournalOptions options,
            UUID group,
            JournalStart start,
            StorageDirectory directory,
            Scheduler scheduler,
            SegmentPool pool,
            IndexCache cache,
            JournalListener listener)
            throws JournalException {
        return JournalAssembly.create(
                new JournalAssembly.Setting(options, directory, scheduler, pool, cache, listener),
                group,
                start);
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
        return JournalAssembly.open(
                new JournalAssembly.Setting(options, directory, scheduler, pool, cache, listener));
    }

    Retention retention() {
        return retention;
    }

    public UUID group() {
        return manifest.group();
    }

    public RecordLog redo() {
        return redo;
    }

    /** The group's generation, from 1; grows by one with each PROMOTE record. */
    public int epoch() {
        return redo.epoch();
    }

    /** Gold holds at least this; while {@link #pendingRun} is not null it is being moved there. */
    public Boundary goldBoundary() {
        return manifest.state().gold();
    }

    /**
     * The run that is recorded while gold may not hold its interval yet: the owner writes the
     * interval into gold again from redo, forces gold and calls {@link #goldAt}.
     */
    public @Nullable Boundary pendingRun() {
        ManifestState state = manifest.state();
        Boundary newest = state.newest();
        return newest.run() > state.gold().run() ? newest : null;
    }

    /** The owner's own durable state; a copy. */
    public Map<String, byte[]> attributes() {
        return manifest.state().attributes();
    }

    /** Sets an attribute, durably when {@code force}. Blocking. */
    public void putAttribute(String key, byte[] value, boolean force) throws JournalException {
        manifest.append(List.of(new ManifestEdit.AttributePut(key, value.clone())), force);
    }

    /** Removes an attribute, durably when {@code force}; no-op when missing. Blocking. */
    public void deleteAttribute(String key, boolean force) throws JournalException {
        if (manifest.state().hasAttribute(key)) {
            manifest.append(List.of(new ManifestEdit.AttributeDelete(key)), force);
        }
    }

    /** Who keeps something of the history that goes. Before {@link #start}. */
    public void heir(HistoryHeir heir) {
        retention.heir(heir);
    }

    /** Starts retention and index merging. Called once, after the owner has set its pins again. */
    public void start() {
        started = true;
        retention.start();
        maintain();
    }

    /**
     * Forces redo up to the boundary and begins its undo run; {@code to.run()} is the last run + 1.
     * A boundary that is a checkpoint gets it here when it lacks it. One at a time, on the owner's
     * serial executor. Blocking.
     */
    public UndoRunBuilder beginRun(Boundary to) throws JournalException {
        if (pendingRun() != null) {
            throw new IllegalStateException(
                    "run " + to.run() + " begun while gold is not at " + pendingRun());
        }
        Marks.Mark passed = marks.firstBefore(to.sequence());
        if (passed != null) {
            throw new IllegalStateException(
                    "run "
                            + to.run()
                            + " up to "
                            + to.sequence()
                            + " would lose the checkpoint at "
                            + passed.checkpoint().sequence()
                            + ": every checkpoint ends a run");
        }
        redo.forceNow(to.sequence());
        Marks.Mark mark = marks.at(to.sequence());
        Boundary whole =
                to.checkpoint() != null || mark == null
                        ? to
                        : new Boundary(
                                to.run(),
                                to.sequence(),
                                to.timeMicros(),
                                to.redo(),
                                mark.checkpoint());
        return undo.beginRun(whole, marks.epochAt(to.sequence()));
    }

    /** Gold holds the interval of the pending run, forced. Not durable by itself. Blocking. */
    public void goldAt(Boundary boundary) throws JournalException {
        manifest.append(List.of(new ManifestEdit.GoldAt(boundary.run())), false);
        maintain();
        pool.roomMade();
    }

    /** Finds the exact point. Reads redo headers: may wait for a disk. */
    public Point resolve(PointSpec spec) throws PointException, JournalException {
        return points.resolve(spec);
    }

    /** Checkpoints with a time in [from, to], newest first, at most {@code limit}. */
    public List<Checkpoint> checkpoints(
            long fromMicros, long toMicros, int limit, boolean taggedOnly) {
        List<Checkpoint> found = new ArrayList<>();
        for (Marks.Mark mark : marks.newestFirst()) {
            Checkpoint checkpoint = mark.checkpoint();
            if (found.size() < limit
                    && checkpoint.timeMicros() >= fromMicros
                    && checkpoint.timeMicros() <= toMicros
                    && (checkpoint.tagged() || !taggedOnly)) {
                found.add(checkpoint);
            }
        }
        manifest.state().checkpoints(fromMicros, toMicros, limit, taggedOnly, found);
        return found;
    }

    /**
     * Keeps what a view at this point needs; fails when it has gone since it was resolved. Waits
     * for a unit that is just being given back.
     */
    public Pin pin(Point point) throws PointException {
        Boundary base = point.base();
        Pin pin =
                retention.pin(
                        point,
                        () ->
                                manifest.state().holds(base)
                                        && points.redoReaches(base.redo(), point.sequence()));
        if (pin != null) {
            return pin;
        }
        Boundary tail = manifest.state().tail();
        throw new PointException(
                PointException.Reason.TOO_OLD,
                "the point at sequence number "
                        + point.sequence()
                        + " has just expired: history now begins at "
                        + tail.sequence()
                        + ", "
                        + Points.text(tail.timeMicros())
                        + "; choose a later point");
    }

    /**
     * Keeps all redo after a sequence number; null when not all of it is there any more. Waits for
     * a unit that is just being given back.
     *
     * @param onGivenUp told, under retention's lock and cheaply, when it is given up because the
     *     pool is full
     */
    public @Nullable RedoHold holdRedo(long afterSequence, Runnable onGivenUp) {
        return retention.hold(afterSequence, onGivenUp);
    }

    /** First hits in the runs after a boundary, for one view; the caller holds a pin meanwhile. */
    public UndoLookup lookup(Boundary base) throws JournalException {
        return undo.lookup(base.run());
    }

    /** Visits what the runs in (from, to] changed in a volume. Blocking. */
    public void visitChanged(Boundary from, Boundary to, int volume, ChangeVisitor visitor)
            throws JournalException {
        undo.visitChanged(from.run(), to.run(), volume, visitor);
    }

    /** What the runs in (from, to] hold; the caller holds a pin meanwhile. */
    public RunSweep sweep(Boundary from, Boundary to) throws JournalException {
        return undo.sweep(from.run(), to.run());
    }

    /** What all runs after a run hold; the caller holds a pin meanwhile. */
    public RunSweep sweep(long fromRun) throws JournalException {
        return undo.sweep(fromRun);
    }

    /**
     * The newest of the runs in (from, to] that changed each byte; the caller holds a pin
     * meanwhile.
     */
    public LastRuns lastRuns(Boundary from, Boundary to) throws JournalException {
        return undo.lastRuns(from.run(), to.run());
    }

    /** The newest boundary with a sequence number up to this one; null when all are later. */
    public @Nullable Boundary boundaryUpTo(long sequence) {
        return manifest.state().floorSequence(sequence);
    }

    /** The boundary after this one; null for the newest. */
    public @Nullable Boundary boundaryAfter(Boundary boundary) {
        return manifest.state().after(boundary);
    }

    /** The end of a run that is kept. */
    public Boundary boundary(long run) {
        return manifest.state().boundary(run);
    }

    /** The oldest and the newest boundary there is. */
    public Boundary oldestBoundary() {
        return manifest.state().tail();
    }

    public Boundary newestBoundary() {
        return manifest.state().newest();
    }

    /** True when every record from a boundary up to a sequence number is kept. */
    public boolean redoReaches(Boundary from, long sequence) {
        return points.redoReaches(from.redo(), sequence);
    }

    public HistoryStatus history() {
        return new HistoryReport(manifest, marks, redo, undo, undoStore, pins, pool).status();
    }

    public JournalCounters counters() {
        return counters.snapshot();
    }

    /** Takes effect at the next retention pass. */
    public void setHistory(long windowMicros, long bytes, long fineWindowMicros) {
        retention.set(windowMicros, bytes, fineWindowMicros);
        maintain();
    }

    /** True once a force has failed: the journal reads, but takes nothing any more. */
    public boolean failed() {
        return redo.failed();
    }

    // Maintenance: merging and retention, a small piece at a time.

    private void maintain() {
        if (started && !closed && maintaining.compareAndSet(false, true)) {
            maintenance.execute(this::maintainOnce);
        }
    }

    private void maintainOnce() {
        maintaining.set(false);
        if (closed || redo.failed()) {
            return;
        }
        try {
            boolean more = retention.mergeStep();
            boolean waits = retention.pass();
            if (more) {
                maintain();
            } else if (waits) {
                setTimer();
            }
        } catch (JournalException failure) {
            listener.event("maintenance failed, it is tried again: " + failure.getMessage());
            setTimer();
        }
    }

    private void setTimer() {
        if (timerSet.compareAndSet(false, true)) {
            scheduler.schedule(
                    RETENTION_PERIOD_NANOS,
                    () -> {
                        timerSet.set(false);
                        maintain();
                    });
        }
    }

    /** Takes no more records; forces; closes the files. Blocking. Idempotent. */
    @Override
    public void close() throws JournalException {
        if (closed) {
            return;
        }
        closed = true;
        pool.unregister(retention);
        try {
            if (!redo.failed()) {
                retention.close();
                redo.forceNow(redo.lastSequence());
                // What the redo log then says of the manifest is forced with its end.
                manifest.force();
                redo.close();
                manifest.close();
            }
        } finally {
            redo.store().close();
            undoStore.close();
            manifest.abandon();
        }
    }
}
