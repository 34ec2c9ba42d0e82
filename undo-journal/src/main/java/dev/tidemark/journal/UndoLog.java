package dev.tidemark.journal;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The undo runs of a group and their merged indexes. Runs are built by one thread at a time,
 * indexes are merged and history is dropped by another (the maintenance executor), readers see
 * immutable snapshots published through a volatile field. Boundaries are the journal's.
 */
final class UndoLog {
    /** Makes runs and merged indexes part of history: appends to the manifest and forces it. */
    interface Recorder {
        /**
         * Records a run with the spans that became durable with it. What they consist of is forced.
         */
        void record(Boundary to, int epoch, SpanDescriptor run, List<SpanDescriptor> spans)
                throws JournalException;

        /** Records spans alone. What they consist of is forced. */
        void record(List<SpanDescriptor> spans) throws JournalException;
    }

    /** Measured in docs/decisions: the fewest blocks read for the bytes written. */
    static final int FAN_OUT = 4;

    private static final int STAGE_BYTES = 1 << 20;
    private static final int PAGE_BYTES = 4096;

    /** A merged index that is searched already and not in the manifest yet. */
    private record Unrecorded(SpanDescriptor span, int segment) {}

    private final UndoSegments segments;
    private final UndoAppender appender;
    private final UndoStage runStage;
    private final IndexReader reader;
    private final SpanMerger merger;
    private final Recorder recorder;
    private final Counters counters;

    /** Guards every change of {@link #spans} and the fields below. */
    private final Object lock = new Object();

    private volatile SpanSet spans;
    private final List<Unrecorded> unrecorded = new ArrayList<>();
    private long dataBytes;
    private long indexBytes;
    private boolean building;
    private int buildingFrom;

    /**
     * Opens the undo log with what the manifest says is in it. Segments above the last one named
     * are left-overs of a crash and retired. Reads no index. Blocking.
     *
     * @param tailRun last run that is not kept any more; 0 at first
     * @param descriptors the runs after it, ascending, and merged indexes in any order
     */
    static UndoLog open(
            SegmentStore store,
            IndexCache cache,
            long tailRun,
            List<SpanDescriptor> descriptors,
            Recorder recorder,
            Counters counters,
            JournalListener listener)
            throws JournalException {
        UndoSegments segments = new StoredUndoSegments(store, listener);
        UndoLog log =
                new UndoLog(segments, cache, FAN_OUT, tailRun, descriptors, recorder, counters);
        requireSegments(store, descriptors, log.firstKeptSegment());
        segments.retireAfter(log.appendSegment());
        segments.retireBefore(log.firstKeptSegment());
        return log;
    }

    /**
     * What the manifest names was forced before it was named: a file that is not there was lost.
     */
    private static void requireSegments(
            SegmentStore store, List<SpanDescriptor> descriptors, int firstKept)
            throws JournalException {
        for (SpanDescriptor span : descriptors) {
            int segment = span.rootSegment();
            if (segment >= Math.max(1, firstKept) && store.segment(segment) == null) {
                throw new JournalException(
                        JournalException.Kind.CORRUPT,
                        store.directory().path()
                                + "/"
                                + SegmentKind.UNDO.fileName(segment)
                                + " is missing: it holds before-images of run "
                                + span.firstRun()
                                + "; put the file back, nothing was changed");
            }
        }
    }

    UndoLog(
            UndoSegments segments,
            IndexCache cache,
            int fanOut,
            long tailRun,
            List<SpanDescriptor> descriptors,
            Recorder recorder,
            Counters counters)
            throws JournalException {
        this.segments = segments;
        this.spans = SpanSet.of(fanOut, tailRun, descriptors);
        this.recorder = recorder;
        this.counters = counters;
        long end = 0;
        for (SpanDescriptor span : descriptors) {
            end = Math.max(end, span.endLocation());
        }
        account();
        appender = new UndoAppender(segments, end);
        runStage = new UndoStage(segments, appender, STAGE_BYTES, PAGE_BYTES);
        reader = new IndexReader(segments, cache);
        merger = new SpanMerger(this, reader, segments, appender);
    }

    /** Begins the next run. {@link UndoRunBuilder#commit} forces, records, then publishes it. */
    UndoRunBuilder beginRun(Boundary to, int epoch) {
        synchronized (lock) {
            if (building || to.run() != lastRun() + 1) {
                throw new IllegalStateException(
                        "run "
                                + to.run()
                                + (building ? " begun within another" : " does not follow ")
                                + lastRun());
            }
            building = true;
            buildingFrom = appender.segment();
        }
        return new UndoRunBuilder(this, to, epoch, runStage);
    }

    void abandoned() {
        synchronized (lock) {
            building = false;
        }
    }

    /** Forces, records and publishes a run whose bytes are all written. */
    void commit(Boundary to, int epoch, SpanDescriptor built, UndoStage stage)
            throws JournalException {
        List<Unrecorded> taken;
        SpanDescriptor run;
        synchronized (lock) {
            building = false;
            taken = List.copyOf(unrecorded);
            run = built.isEmpty() ? built.startingIn(lastStartSegment()) : built;
        }
        stage.force();
        recorder.record(to, epoch, run, forced(taken, stage));
        synchronized (lock) {
            publish(run);
            unrecorded.removeAll(taken);
        }
        counters.undoRuns.increment();
        counters.undoBytes.add(run.dataBytes());
    }

    private int lastStartSegment() {
        SpanTable runs = spans.level(0);
        return runs.end() > runs.base() ? runs.startSegment(runs.end() - 1) : 0;
    }

    /** Forces what the run's own force did not cover; spans that expired meanwhile fall out. */
    private List<SpanDescriptor> forced(List<Unrecorded> taken, UndoStage stage)
            throws JournalException {
        List<SpanDescriptor> durable = new ArrayList<>(taken.size());
        int forcedSegment = 0;
        for (Unrecorded each : taken) {
            if (each.span.firstRun() <= spans.tailRun()) {
                continue;
            }
            if (each.segment != 0
                    && each.segment != forcedSegment
                    && !stage.hasTouched(each.segment)) {
                segments.force(each.segment);
                forcedSegment = each.segment;
            }
            durable.add(each.span);
        }
        return durable;
    }

    /**
     * Makes a merged index visible at once; it reaches the manifest with the next run, whose force
     * makes it durable.
     */
    void publishSpan(SpanDescriptor span, UndoStage stage) throws JournalException {
        int segment = span.isEmpty() ? 0 : span.rootSegment();
        if (!stage.onlyTouched(segment)) {
            stage.force();
            segment = 0;
        }
        synchronized (lock) {
            if (span.firstRun() > spans.tailRun()) {
                publish(span);
                unrecorded.add(new Unrecorded(span, segment));
            }
        }
        counters.merges.increment();
    }

    /** Publishes that the next span of this level does not exist. */
    void publishAbsent(int level) {
        synchronized (lock) {
            spans = spans.withAbsent(level);
        }
    }

    private void publish(SpanDescriptor span) {
        assert Thread.holdsLock(lock);
        spans = spans.with(span);
        dataBytes += span.dataBytes();
        indexBytes += span.indexBytes();
        counters.indexBytes.add(span.indexBytes());
    }

    SpanSet spans() {
        return spans;
    }

    /** Number of the newest published run; the tail when there is none. */
    long lastRun() {
        return spans.newestRun();
    }

    /** Last run that is not kept any more; 0 at first. */
    long tailRun() {
        return spans.tailRun();
    }

    /**
     * Descriptors of everything that is in the manifest or should be: runs ascending, then merged
     * indexes that are durable.
     */
    List<SpanDescriptor> descriptors() {
        synchronized (lock) {
            Set<SpanDescriptor> pending = new HashSet<>();
            unrecorded.forEach(each -> pending.add(each.span));
            List<SpanDescriptor> all = spans.descriptors();
            all.removeIf(pending::contains);
            return all;
        }
    }

    /**
     * Does a small piece of index merging, about a millisecond. Never waits for a run being built.
     * On the executor that also drops. May fail with NO_SPACE: then it can be tried again later.
     *
     * @return whether there is more to do now
     */
    boolean mergeStep() throws JournalException {
        return merger.step();
    }

    /** First hits in the runs after {@code run}; the caller keeps them from being dropped. */
    UndoLookup lookup(long run) throws JournalException {
        return lookup(run, UndoLookup.REGION_CACHE_BYTES);
    }

    UndoLookup lookup(long run, long regionCacheBytes) throws JournalException {
        requireKept(run);
        return new UndoLookup(this, run, regionCacheBytes);
    }

    private void requireKept(long run) throws JournalException {
        SpanSet now = spans;
        if (run < now.tailRun() || run > now.newestRun()) {
            throw new JournalException(
                    JournalException.Kind.IO,
                    "boundary of run "
                            + run
                            + " lies outside the kept history, which goes from "
                            + now.tailRun()
                            + " to "
                            + now.newestRun()
                            + "; choose a point inside of it");
        }
    }

    /**
     * Visits what the runs in (fromRun, toRun] changed in a volume, ascending, each byte once.
     * Blocking.
     */
    void visitChanged(long fromRun, long toRun, int volume, ChangeVisitor visitor)
            throws JournalException {
        requireKept(fromRun);
        requireKept(toRun);
        new ChangedRanges(spans, reader, fromRun, toRun).visit(volume, visitor);
    }

    /** What the runs in (fromRun, toRun] hold, part by part. */
    RunSweep sweep(long fromRun, long toRun) throws JournalException {
        requireKept(fromRun);
        requireKept(toRun);
        return new RunSweep(spans, reader, fromRun, toRun);
    }

    /**
     * What the runs after one hold, part by part. It may be recorded and not published yet: then
     * there are none after it.
     */
    RunSweep sweep(long fromRun) throws JournalException {
        SpanSet now = spans;
        long from = Math.min(fromRun, now.newestRun());
        requireKept(from);
        return new RunSweep(now, reader, from, now.newestRun());
    }

    /** The newest of the runs in (fromRun, toRun] that changed each byte. */
    LastRuns lastRuns(long fromRun, long toRun) throws JournalException {
        requireKept(fromRun);
        requireKept(toRun);
        return new LastRuns(spans, reader, fromRun, toRun);
    }

    /** Segment now appended to, 0 before the first. */
    int appendSegment() {
        return appender.segment();
    }

    /**
     * Last run that anything in the oldest segment belongs to, merged indexes included; -1 when
     * only one segment is left.
     */
    long oldestSegmentLastRun() {
        int oldest = segments.oldest();
        if (oldest == 0 || oldest >= appender.segment()) {
            return -1;
        }
        // What was appended to a segment before the next one was begun concerns only runs begun by
        // then.
        return spans.level(0).lastStartedBy(oldest) + 1;
    }

    /**
     * Forgets the runs up to {@code run} and every span that covers one of them, and retires the
     * segments in which nothing else lies. The caller has recorded the new tail durably.
     *
     * @return number of segments retired
     */
    int dropThrough(long run) {
        int firstKept;
        synchronized (lock) {
            if (run > spans.newestRun()) {
                throw new IllegalArgumentException(
                        "run " + run + " is after the newest, " + spans.newestRun());
            }
            spans = spans.after(run);
            unrecorded.removeIf(each -> each.span.firstRun() <= run);
            account();
            firstKept = firstKeptSegment();
        }
        return segments.retireBefore(firstKept);
    }

    private int firstKeptSegment() {
        SpanTable runs = spans.level(0);
        int first = building ? buildingFrom : appender.segment();
        return runs.end() > runs.base() ? Math.min(first, runs.startSegment(runs.base())) : first;
    }

    private void account() {
        dataBytes = 0;
        indexBytes = 0;
        for (SpanDescriptor span : spans.descriptors()) {
            dataBytes += span.dataBytes();
            indexBytes += span.indexBytes();
        }
    }

    IndexReader reader() {
        return reader;
    }

    UndoSegments segments() {
        return segments;
    }

    /** Bytes of before-images and indexes in the retained runs and spans. */
    long dataBytes() {
        synchronized (lock) {
            return dataBytes + indexBytes;
        }
    }

    /** Bytes of indexes among them. */
    long indexBytes() {
        synchronized (lock) {
            return indexBytes;
        }
    }

    /** Records what is not in the manifest yet. The segments belong to the store. */
    void close() throws JournalException {
        List<Unrecorded> taken;
        synchronized (lock) {
            taken = List.copyOf(unrecorded);
            unrecorded.clear();
        }
        if (!taken.isEmpty()) {
            runStage.restart();
            recorder.record(forced(taken, runStage));
        }
    }
}
