package dev.tidemark.journal;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.execution.Scheduler;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An append-only log of records in segments, with group commit: a group's redo log and, with other
 * options, a test's write log. Thread-safe.
 *
 * <p>One lock guards staging and appending. Segments are made, and forces run, on executors; a
 * record that finds no room waits in a queue, never a thread. A write that failed leaves unknown
 * bytes behind: the log then goes on in a new segment, whose forced header says where the one
 * before ends. A force that failed is final.
 */
public final class RecordLog implements AutoCloseable {
    /** Sees every appended record under the log's lock, before its owner does. */
    interface Observer {
        void appended(PendingRecord record, int epoch);
    }

    /** How long writers wait for room in the pool before they hear NO_SPACE. */
    private static final long ROOM_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final long ROOM_RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private enum State {
        OPEN,
        FAILED,
        CLOSED
    }

    private final RecordLogOptions options;
    private final SegmentStore store;
    private final Scheduler scheduler;
    private final JournalListener listener;
    private final Observer observer;
    private final Counters counters;
    private final int owner;
    private final LogReader reader;
    private final Executor supplyExecutor;
    private final Executor forceExecutor;

    private final ReentrantLock lock = new ReentrantLock();

    /** Taken before {@link #lock}: one force at a time. */
    private final ReentrantLock forceLock = new ReentrantLock();

    // Guarded by lock.
    private final RecordBatch batch;
    private final RecordQueue ended = new RecordQueue();
    private final RecordQueue waiting = new RecordQueue();
    private final GroupCommit commit = new GroupCommit();
    private Segment current;
    private @Nullable Segment next;

    /** The current segment takes nothing any more; its records end at {@link #cutPosition}. */
    private boolean cut;

    private int cutPosition;
    private boolean supplying;

    /** Since when there has been no room for a segment; 0 while there is. */
    private long starvingSinceNanos;

    private int generation;
    private long stagedSequence;
    private long stagedTimeMicros;
    private int stagedEpoch = 1;

    private volatile State state = State.OPEN;
    private volatile int epoch = 1;
    private volatile long lastSequence;
    private volatile long lastTimeMicros;
    private volatile long durableSequence;

    /** What a log is made of besides its shape. */
    record Parts(
            SegmentStore store,
            UUID ownerId,
            Scheduler scheduler,
            JournalListener listener,
            Observer observer,
            Counters counters) {}

    /** A log whose end is known and whose new current segment, empty, is written and forced. */
    private RecordLog(
            RecordLogOptions options, Parts parts, Segment current, long sequence, long micros) {
        this.options = options;
        this.store = parts.store();
        this.scheduler = parts.scheduler();
        this.listener = parts.listener();
        this.observer = parts.observer();
        this.counters = parts.counters();
        this.owner = LogFiles.ownerChecksum(parts.ownerId());
        this.reader = new LogReader(store, owner, listener);
        this.supplyExecutor = scheduler.newSerial("segments");
        this.forceExecutor = scheduler.newSerial("force");
        this.batch = new RecordBatch(options.batchBytes(), owner);
        this.current = current;
        this.generation = current.header().generation();
        this.stagedSequence = sequence;
        this.stagedTimeMicros = micros;
        this.lastSequence = sequence;
        this.lastTimeMicros = micros;
        this.durableSequence = sequence;
        batch.startAt(SegmentHeader.RESERVED_BYTES);
        commit.wrote(current);
    }

    /** Makes a new log in an empty directory. Blocking. */
    public static RecordLog create(
            RecordLogOptions options,
            UUID owner,
            StorageDirectory directory,
            Scheduler scheduler,
            SegmentPool pool,
            JournalListener listener)
            throws JournalException {
        Parts parts = LogFiles.parts(options, owner, directory, scheduler, pool, listener);
        boolean made = false;
        try {
            RecordLog log = create(options, parts);
            made = true;
            return log;
        } finally {
            if (!made) {
                parts.store().close();
            }
        }
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
        Parts parts = LogFiles.parts(options, owner, directory, scheduler, pool, listener);
        boolean opened = false;
        try {
            RecordLog log = open(options, parts, null, 0, 0, (header, segment, reader) -> {});
            opened = true;
            return log;
        } finally {
            if (!opened) {
                parts.store().close();
            }
        }
    }

    static RecordLog create(RecordLogOptions options, Parts parts) throws JournalException {
        if (!parts.store().segments().isEmpty()) {
            throw new JournalException(
                    JournalException.Kind.IO,
                    parts.store().directory().path()
                            + " already holds "
                            + parts.store().segments().size()
                            + " segments of a log; choose an empty folder");
        }
        Segment first = parts.store().create();
        long now = parts.scheduler().wallClockMicros();
        LogFiles.writeHeader(first, first.header().usedFrom(1, now, 0, 0, 1));
        RecordLog log = new RecordLog(options, parts, first, 0, now);
        log.supplyAhead();
        return log;
    }

    static RecordLog open(
            RecordLogOptions options,
            Parts parts,
            @Nullable Position from,
            long fromTimeMicros,
            long provenSequence,
            LogRecovery.Scan scan)
            throws JournalException {
        SegmentStore store = parts.store();
        LogRecovery.Found found =
                new LogRecovery(store, LogFiles.ownerChecksum(parts.ownerId()))
                        .find(from, fromTimeMicros, provenSequence, scan);
        for (Segment segment : found.chain()) {
            SegmentStore.force(segment);
        }
        // A unit that was made ahead is free at once; what has been in the log may go only when the
        // cut is on disk, for else the chain that leads here could be found broken.
        found.madeAhead().forEach(store::retire);
        Segment current = LogFiles.continueAfter(found, parts);
        found.leftOver().forEach(store::retire);
        RecordLog log =
                new RecordLog(
                        options, parts, current, found.lastSequence(), found.lastTimeMicros());
        log.supplyAhead();
        return log;
    }

    /**
     * Takes a record; the log owns it until it ends. It may be written at once, when a batch is
     * full. A payload longer than {@link #maximumPayloadBytes} is a bug of the caller.
     */
    public void stage(PendingRecord record) {
        assert !lock.isHeldByCurrentThread() : "staged from inside appended()";
        if (record.chunkCount < 0) {
            PayloadChecksums.compute(record);
        }
        PendingRecord done;
        lock.lock();
        try {
            if (state != State.OPEN) {
                record.failure = refusal();
                ended.add(record);
            } else if (!waiting.isEmpty()) {
                waiting.add(record);
            } else {
                place(record);
            }
            done = ended.take();
        } finally {
            lock.unlock();
        }
        RecordQueue.end(done);
    }

    /** Writes all staged records, of every thread, with one gathered write. */
    public void submit() {
        PendingRecord done;
        lock.lock();
        try {
            writeBatch();
            done = ended.take();
        } finally {
            lock.unlock();
        }
        RecordQueue.end(done);
    }

    private void place(PendingRecord record) {
        assert record.payloadBytes() <= maximumPayloadBytes()
                : "payload " + record.payloadBytes() + " exceeds " + maximumPayloadBytes();
        if (!makeRoom(record.payloadBytes())) {
            waiting.add(record);
            return;
        }
        if (!record.prepare()) {
            ended.add(record);
            return;
        }
        if (record.chunkCount < 0) {
            PayloadChecksums.compute(record);
        }
        stagedTimeMicros = Math.max(stagedTimeMicros, scheduler.wallClockMicros());
        record.sequence = ++stagedSequence;
        record.timeMicros = stagedTimeMicros;
        record.segment = current.number();
        record.position = batch.endPosition();
        if (record.kind == RecordKind.PROMOTE) {
            stagedEpoch++;
        }
        batch.add(record, durableSequence, stagedEpoch);
        record.endPosition = batch.endPosition();
        if (batch.bytes() >= options.batchBytes() || batch.count() >= options.batchRecords()) {
            writeBatch();
        }
    }

    /** False when the record has to wait for a segment, which is on its way. */
    private boolean makeRoom(int payloadBytes) {
        if (!cut && !batch.fits(payloadBytes)) {
            writeBatch();
        }
        int bytes = RecordHeader.recordBytes(payloadBytes);
        if (!cut && batch.endPosition() + (long) bytes > current.unitBytes()) {
            writeBatch();
            if (!cut && next != null) {
                roll(next);
            }
        }
        boolean room = !cut && batch.endPosition() + (long) bytes <= current.unitBytes();
        if (!room) {
            supply();
        }
        return room;
    }

    private void roll(Segment to) {
        SegmentHeader header =
                to.header()
                        .usedFrom(
                                stagedSequence + 1,
                                Math.max(stagedTimeMicros, scheduler.wallClockMicros()),
                                current.number(),
                                batch.endPosition(),
                                generation);
        current.end(batch.endPosition(), stagedSequence);
        to.header(header);
        current = to;
        next = null;
        commit.wrote(to);
        batch.startSegment(header);
        supplyAhead();
    }

    private void writeBatch() {
        if (batch.isEmpty()) {
            return;
        }
        int start = batch.startPosition();
        int bytes = batch.bytes();
        int count = batch.count();
        try {
            batch.write(current.file());
        } catch (StorageException failure) {
            failBatch(start, failure);
            return;
        }
        counters.gatheredWrites.increment();
        counters.appendedBytes.add(bytes);
        counters.appendedRecords.add(count);
        PendingRecord record = batch.take();
        while (record != null) {
            PendingRecord following = record.next;
            appended(record);
            record = following;
        }
        epoch = stagedEpoch;
        startForce();
    }

    private void appended(PendingRecord record) {
        lastTimeMicros = record.timeMicros;
        lastSequence = record.sequence;
        observer.appended(record, stagedEpoch);
        record.appended();
        if (record.force) {
            commit.add(record);
        } else {
            ended.add(record);
        }
    }

    /** Nobody knows what of the batch is in the file: the segment ends before it. */
    private void failBatch(int start, StorageException failure) {
        ErrorCode code =
                failure.kind() == StorageException.Kind.NO_SPACE
                        ? ErrorCode.NO_SPACE
                        : ErrorCode.IO;
        BlockDeviceException told =
                new BlockDeviceException(
                        code, "the journal could not be written: " + failure.getMessage(), failure);
        PendingRecord record = batch.take();
        while (record != null) {
            PendingRecord following = record.next;
            record.failure = told;
            ended.add(record);
            record = following;
        }
        stagedSequence = lastSequence;
        stagedEpoch = epoch;
        cut = true;
        cutPosition = start;
        listener.event(
                current.file().path()
                        + " is cut at position "
                        + start
                        + ": "
                        + failure.getMessage());
        supply();
    }

    private BlockDeviceException refusal() {
        return state == State.CLOSED
                ? new BlockDeviceException(ErrorCode.SHUTDOWN, "the journal is closed")
                : new BlockDeviceException(
                        ErrorCode.DEVICE_FAILED,
                        "the journal has stopped after a failed force; check the disk, then restart"
                                + " the gateway");
    }

    // Supply of segments.

    private void supplyAhead() {
        if (options.preallocate()) {
            lock.lock();
            try {
                supply();
            } finally {
                lock.unlock();
            }
        }
    }

    private void supply() {
        if (!supplying && state == State.OPEN && (next == null || cut)) {
            supplying = true;
            supplyExecutor.execute(this::supplyTask);
        }
    }

    private void supplyTask() {
        @Nullable Segment made = null;
        @Nullable JournalException failure = null;
        try {
            made = takeOrCreate();
            if (cutPending()) {
                LogFiles.writeHeader(made, cutHeader(made));
            }
        } catch (JournalException e) {
            failure = e;
        }
        if (failure != null && failure.kind() == JournalException.Kind.FAILED) {
            fail(failure);
        }
        PendingRecord done;
        lock.lock();
        try {
            supplying = false;
            supplied(made, failure);
            done = ended.take();
        } finally {
            lock.unlock();
        }
        RecordQueue.end(done);
    }

    private Segment takeOrCreate() throws JournalException {
        lock.lock();
        try {
            Segment prepared = next;
            if (prepared != null) {
                next = null;
                return prepared;
            }
        } finally {
            lock.unlock();
        }
        return store.create();
    }

    private boolean cutPending() {
        lock.lock();
        try {
            return cut;
        } finally {
            lock.unlock();
        }
    }

    /** While a cut is pending nothing is appended, so what this reads stands still. */
    private SegmentHeader cutHeader(Segment made) {
        lock.lock();
        try {
            boolean empty = cutPosition <= SegmentHeader.RESERVED_BYTES;
            SegmentHeader header = current.header();
            return made.header()
                    .usedFrom(
                            lastSequence + 1,
                            lastTimeMicros,
                            empty ? header.previous() : current.number(),
                            empty ? header.previousEnd() : cutPosition,
                            generation + 1);
        } finally {
            lock.unlock();
        }
    }

    private void supplied(@Nullable Segment made, @Nullable JournalException failure) {
        if (state != State.OPEN) {
            if (made != null) {
                store.retire(made);
            }
            return;
        }
        if (made == null || failure != null) {
            if (made != null) {
                store.retire(made);
            }
            if (!waitsForRoom(failure)) {
                waiting.drainTo(ended, noSegment(failure));
            }
            return;
        }
        starvingSinceNanos = 0;
        if (cut && made.header().used()) {
            finishCut(made);
        } else {
            next = made;
        }
        placeWaiting();
        if (cut || (options.preallocate() && next == null)) {
            supply();
        }
    }

    /**
     * Whether what waits goes on waiting: the fold frees redo all the time, so a full pool is given
     * some time before writers hear of it. Once they have, they hear at once until there is room
     * again.
     */
    private boolean waitsForRoom(@Nullable JournalException failure) {
        boolean full =
                options.preallocate()
                        && failure != null
                        && failure.kind() == JournalException.Kind.NO_SPACE
                        && !waiting.isEmpty();
        if (!full) {
            return false;
        }
        long now = scheduler.nanoTime();
        if (starvingSinceNanos == 0) {
            starvingSinceNanos = now;
        }
        if (now - starvingSinceNanos >= ROOM_PATIENCE_NANOS) {
            return false;
        }
        scheduler.schedule(ROOM_RETRY_NANOS, this::retrySupply);
        return true;
    }

    private void retrySupply() {
        lock.lock();
        try {
            supply();
        } finally {
            lock.unlock();
        }
    }

    private void finishCut(Segment made) {
        if (cutPosition <= SegmentHeader.RESERVED_BYTES) {
            commit.forget(current);
            store.retire(current);
        } else {
            current.end(cutPosition, lastSequence);
        }
        current = made;
        generation++;
        cut = false;
        commit.wrote(made);
        batch.startAt(SegmentHeader.RESERVED_BYTES);
    }

    private void placeWaiting() {
        RecordQueue queued = new RecordQueue();
        waiting.drainTo(queued, null);
        PendingRecord record = queued.poll();
        while (record != null) {
            if (waiting.isEmpty()) {
                place(record);
            } else {
                waiting.add(record);
            }
            record = queued.poll();
        }
        writeBatch();
    }

    private static BlockDeviceException noSegment(@Nullable JournalException failure) {
        boolean space = failure != null && failure.kind() == JournalException.Kind.NO_SPACE;
        return new BlockDeviceException(
                space ? ErrorCode.NO_SPACE : ErrorCode.IO,
                "the journal has no segment to go on in: "
                        + (failure == null ? "" : failure.getMessage()),
                failure);
    }

    // Forces.

    /** Completes once every record appended before this call is on stable storage. */
    public void force(Completion done) {
        @Nullable BlockDeviceException failure = null;
        lock.lock();
        try {
            if (state == State.FAILED) {
                failure = refusal();
            } else if (durableSequence < lastSequence) {
                commit.add(lastSequence, done);
                startForce();
                return;
            }
        } finally {
            lock.unlock();
        }
        if (failure == null) {
            done.succeeded();
        } else {
            done.failed(failure);
        }
    }

    private void startForce() {
        if (state == State.OPEN && commit.schedule()) {
            forceExecutor.execute(this::forceTask);
        }
    }

    private void forceTask() {
        forceLock.lock();
        try {
            if (state == State.OPEN) {
                forceOnce();
            }
        } catch (JournalException failure) {
            fail(failure);
        } finally {
            forceLock.unlock();
        }
        lock.lock();
        try {
            commit.unschedule();
            startForce();
        } finally {
            lock.unlock();
        }
    }

    /** Returns once every record up to {@code sequence} is on stable storage. Blocking. */
    public void forceNow(long sequence) throws JournalException {
        if (durableSequence >= sequence) {
            return;
        }
        assert sequence <= lastSequence : sequence + " is after " + lastSequence;
        forceLock.lock();
        try {
            if (durableSequence < sequence) {
                forceOnce();
            }
        } catch (JournalException failure) {
            fail(failure);
            throw failure;
        } finally {
            forceLock.unlock();
        }
    }

    private void forceOnce() throws JournalException {
        GroupCommit.Round round;
        lock.lock();
        try {
            requireNotFailed();
            round = commit.begin(lastSequence, current);
        } finally {
            lock.unlock();
        }
        try {
            for (Segment segment : round.segments()) {
                counters.forces.increment();
                SegmentStore.force(segment);
            }
        } finally {
            round.segments().forEach(Segment::release);
        }
        List<Completion> flushed = new ArrayList<>();
        PendingRecord done;
        lock.lock();
        try {
            requireNotFailed();
            durableSequence = round.sequence();
            commit.succeeded(round, ended, flushed);
            done = ended.take();
        } finally {
            lock.unlock();
        }
        RecordQueue.end(done);
        flushed.forEach(Completion::succeeded);
    }

    private void requireNotFailed() throws JournalException {
        if (state == State.FAILED) {
            throw new JournalException(
                    JournalException.Kind.FAILED, String.valueOf(refusal().getMessage()));
        }
    }

    /** A failed force is final: nothing is taken any more, whoever waits is told. */
    void fail(JournalException cause) {
        List<Completion> flushes;
        BlockDeviceException failure;
        PendingRecord done;
        lock.lock();
        try {
            if (state == State.FAILED) {
                return;
            }
            state = State.FAILED;
            failure =
                    new BlockDeviceException(
                            ErrorCode.DEVICE_FAILED, String.valueOf(cause.getMessage()), cause);
            flushes = commit.failed(failure, ended);
            waiting.drainTo(ended, failure);
            failStaged(failure);
            done = ended.take();
        } finally {
            lock.unlock();
        }
        listener.failed(cause);
        RecordQueue.end(done);
        flushes.forEach(flush -> flush.failed(failure));
    }

    private void failStaged(BlockDeviceException failure) {
        PendingRecord record = batch.take();
        while (record != null) {
            PendingRecord following = record.next;
            record.failure = failure;
            ended.add(record);
            record = following;
        }
        stagedSequence = lastSequence;
    }

    // What is in the log.

    /** Highest sequence number appended; 0 for an empty log. */
    public long lastSequence() {
        return lastSequence;
    }

    /** Timestamp of the last record appended; of the log's making while it is empty. */
    public long lastTimeMicros() {
        return lastTimeMicros;
    }

    /** Highest sequence number known to be on stable storage. */
    public long durableSequence() {
        return durableSequence;
    }

    /** The owner's generation as records carry it now. */
    int epoch() {
        return epoch;
    }

    /** Before anything is staged. */
    void epoch(int recovered) {
        epoch = recovered;
        stagedEpoch = recovered;
    }

    /** Longest payload a record can carry. */
    public int maximumPayloadBytes() {
        int room =
                options.unitBytes()
                        - SegmentHeader.RESERVED_BYTES
                        - RecordHeader.MAXIMUM_HEADER_BYTES;
        return Math.min(RecordHeader.MAXIMUM_PAYLOAD_BYTES, room & -RecordHeader.ALIGNMENT);
    }

    /** Where the oldest record without a gap after it begins. */
    public Position begin() {
        lock.lock();
        try {
            Segment first = SegmentChain.upTo(store, current).getFirst();
            return new Position(
                    first.number(), SegmentHeader.RESERVED_BYTES, first.header().first());
        } finally {
            lock.unlock();
        }
    }

    /** Where the next record will go at the earliest. */
    public Position end() {
        lock.lock();
        try {
            return new Position(current.number(), batch.startPosition(), lastSequence + 1);
        } finally {
            lock.unlock();
        }
    }

    /** Bytes the segments occupy: whole units when preallocated. */
    public long diskBytes() {
        if (options.preallocate()) {
            return store.bytes();
        }
        lock.lock();
        try {
            long bytes = 0;
            for (Segment segment : store.segments()) {
                boolean open = segment.equals(current);
                bytes +=
                        Math.max(
                                SegmentHeader.RESERVED_BYTES,
                                open ? batch.startPosition() : segment.dataEnd());
            }
            return bytes;
        } finally {
            lock.unlock();
        }
    }

    SegmentStore store() {
        return store;
    }

    /** The segment that is being written to; what lies in front of it changes no more. */
    Segment current() {
        lock.lock();
        try {
            return current;
        } finally {
            lock.unlock();
        }
    }

    /** The segment made ahead, which is no part of the log yet. */
    boolean isPrepared(Segment segment) {
        return !segment.header().used();
    }

    /** Tries again for a segment ahead of need, after room was made. */
    void roomMade() {
        supplyAhead();
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
        return reader.read(
                segment, position, volume, recordOffsetBytes, fromBytes, target, cachedOnly);
    }

    /**
     * Gives up the memory that caches the records from one place up to another, which are durable
     * and hardly read again. What is appended next then goes into memory that is warm, and gold
     * keeps the rest. A hint.
     */
    public void uncache(Position from, Position to) {
        reader.uncache(from, to);
    }

    /**
     * A cursor over the headers of the records from a place on, up to the end at this moment. It
     * keeps what it is going to read readable until it is closed.
     */
    public RecordCursor cursor(Position from) throws JournalException {
        return cursor(from, Long.MAX_VALUE);
    }

    /** Like {@link #cursor(Position)}, but arrives at no record after {@code lastWanted}. */
    public RecordCursor cursor(Position from, long lastWanted) throws JournalException {
        lock.lock();
        try {
            long limit = Math.min(lastWanted, lastSequence);
            return new LogCursor(owner, reader.hold(from, limit), from, limit);
        } finally {
            lock.unlock();
        }
    }

    /** Whether every record from a place up to a sequence number already appended is kept. */
    boolean reaches(Position from, long sequence) {
        lock.lock();
        try {
            List<Segment> chain = SegmentChain.from(store, from);
            if (chain.isEmpty()) {
                return false;
            }
            Segment last = chain.getLast();
            return last.dataEnd() == 0 ? last.equals(current) : last.lastSequence() >= sequence;
        } finally {
            lock.unlock();
        }
    }

    /** Keeps the segments from one place up to and with another's readable. */
    public SegmentLease lease(Position from, Position to) throws JournalException {
        List<Segment> held;
        lock.lock();
        try {
            held = new ArrayList<>(reader.hold(from, to.sequence() - 1));
        } finally {
            lock.unlock();
        }
        return () -> {
            synchronized (held) {
                held.forEach(Segment::release);
                held.clear();
            }
        };
    }

    /** True once a force has failed: the log reads, but takes nothing any more. */
    public boolean failed() {
        return state == State.FAILED;
    }

    /** Takes no more records; forces what is written; closes the files. Blocking. Idempotent. */
    @Override
    public void close() throws JournalException {
        @Nullable JournalException failure = null;
        forceLock.lock();
        try {
            if (!stop()) {
                return;
            }
            if (state != State.FAILED) {
                forceOnce();
            }
        } catch (JournalException e) {
            failure = e;
        } finally {
            forceLock.unlock();
        }
        if (failure != null) {
            fail(failure);
        }
        store.close();
        if (failure != null) {
            throw failure;
        }
    }

    /** Writes what is staged and refuses what comes; false when that was done before. */
    private boolean stop() {
        PendingRecord done;
        lock.lock();
        try {
            if (state == State.CLOSED) {
                return false;
            }
            if (state == State.OPEN) {
                writeBatch();
                state = State.CLOSED;
                waiting.drainTo(ended, refusal());
            }
            done = ended.take();
        } finally {
            lock.unlock();
        }
        RecordQueue.end(done);
        return true;
    }
}
