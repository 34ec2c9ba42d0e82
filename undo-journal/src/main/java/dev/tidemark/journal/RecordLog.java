package dev.tidemark.journal;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.execution.Scheduler;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;

/**
 * An append-only log of records in segments, with group commit: a group's redo log and, with other
 * options, a test's write log. Thread-safe.
 *
 * <p>One lock guards staging and appending. {@link SegmentSupply} makes segments and {@link
 * LogForces} forces them on executors; a record that finds no room waits in a queue, never a
 * thread. A write that failed leaves unknown bytes behind: the log then goes on in a new segment,
 * whose forced header says where the one before ends. A force that failed is final.
 */
public final class RecordLog implements AutoCloseable {
    /** Sees every appended record under the log's lock, before its owner does. */
    interface Observer {
        void appended(PendingRecord record, int epoch);

        /**
         * Everything up to this sequence number is on stable storage, and something in a new
         * segment for the first time. Outside every lock, before anybody else hears of it.
         * Blocking.
         */
        default void forcedFirst(long sequence) throws JournalException {}
    }

    private final RecordLogOptions options;
    private final SegmentStore store;
    private final Scheduler scheduler;
    private final JournalListener listener;
    private final Observer observer;
    private final Counters counters;

    private final LogState state = new LogState();
    private final LogTail tail;
    private final SegmentSupply supply;
    private final LogForces forces;
    private final LogReader reader;

    // Guarded by the state's lock.
    private final RecordBatch batch;
    private final LogNote note;
    private final WrittenGround ground;
    private long stagedSequence;
    private long stagedTimeMicros;
    private int stagedEpoch = 1;

    /** A log whose end is known and whose new current segment, empty, is written and forced. */
    RecordLog(
            RecordLogOptions options,
            LogOpener.Parts parts,
            Segment current,
            long sequence,
            long micros) {
        this.options = options;
        this.store = parts.store();
        this.scheduler = parts.scheduler();
        this.listener = parts.listener();
        this.observer = parts.observer();
        this.counters = parts.counters();
        int owner = LogFiles.ownerChecksum(parts.ownerId());
        this.tail = new LogTail(current, sequence, micros);
        this.supply =
                new SegmentSupply(
                        state, tail, store, scheduler, options.preallocate(), new Supplied());
        this.ground = new WrittenGround(options.preallocate());
        this.forces = new LogForces(state, tail, scheduler, counters, observer, ground, this::fail);
        this.reader = new LogReader(store, state, tail, owner, listener);
        this.note = new LogNote(listener);
        this.batch = new RecordBatch(options.batchBytes(), owner);
        this.stagedSequence = sequence;
        this.stagedTimeMicros = micros;
        batch.startAt(SegmentHeader.RESERVED_BYTES);
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
        return LogOpener.create(options, owner, directory, scheduler, pool, listener);
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
        return LogOpener.open(options, owner, directory, scheduler, pool, listener);
    }

    /** Begins to make the next segment. Once, before anything is staged. */
    RecordLog started() {
        state.lock.lock();
        try {
            supply.requestAhead();
        } finally {
            state.lock.unlock();
        }
        return this;
    }

    /**
     * Takes a record; the log owns it until it ends. It may be written at once, when a batch is
     * full. A payload longer than {@link #maximumPayloadBytes} is a bug of the caller.
     */
    public void stage(PendingRecord record) {
        assert !state.lock.isHeldByCurrentThread() : "staged from inside appended()";
        if (record.chunkCount < 0) {
            PayloadChecksums.compute(record);
        }
        state.lock.lock();
        try {
            if (!state.isOpen()) {
                record.failure = state.refusal();
                state.ended.add(record);
            } else if (supply.isAwaited()) {
                supply.await(record);
            } else {
                place(record);
            }
        } finally {
            state.unlockAndTell();
        }
    }

    /** Writes all staged records, of every thread, with one gathered write. */
    public void submit() {
        state.lock.lock();
        try {
            writeBatch();
        } finally {
            state.unlockAndTell();
        }
    }

    private void place(PendingRecord record) {
        assert record.payloadBytes() <= maximumPayloadBytes()
                : "payload " + record.payloadBytes() + " exceeds " + maximumPayloadBytes();
        if (!makeRoom(record)) {
            supply.await(record);
            return;
        }
        if (record.expectedSequence != 0 && record.expectedSequence != stagedSequence + 1) {
            record.failure = outOfOrder(record);
            state.ended.add(record);
            return;
        }
        if (isEpochTooOld(record)) {
            record.failure =
                    new BlockDeviceException(
                            ErrorCode.INVALID,
                            "epoch " + record.givenEpoch + " does not come after " + stagedEpoch);
            state.ended.add(record);
            return;
        }
        if (!record.prepare()) {
            state.ended.add(record);
            return;
        }
        if (record.chunkCount < 0) {
            PayloadChecksums.compute(record);
        }
        long micros = record.givenMicros == 0 ? scheduler.wallClockMicros() : record.givenMicros;
        stagedTimeMicros = Math.max(stagedTimeMicros, micros);
        record.sequence = ++stagedSequence;
        record.timeMicros = stagedTimeMicros;
        record.segment = tail.current().number();
        record.position = batch.endPosition();
        if (record.kind == RecordKind.PROMOTE) {
            stagedEpoch = record.givenEpoch == 0 ? stagedEpoch + 1 : record.givenEpoch;
        }
        batch.add(record, forces.durableSequence(), stagedEpoch);
        record.endPosition = batch.endPosition();
        if (batch.bytes() >= options.batchBytes() || batch.count() >= options.batchRecords()) {
            writeBatch();
        }
    }

    /** Epochs never go back, whatever another site says. */
    private boolean isEpochTooOld(PendingRecord record) {
        return record.kind == RecordKind.PROMOTE
                && record.givenEpoch != 0
                && record.givenEpoch <= stagedEpoch;
    }

    private BlockDeviceException outOfOrder(PendingRecord record) {
        return new BlockDeviceException(
                ErrorCode.IO,
                "record "
                        + record.expectedSequence
                        + " cannot follow "
                        + stagedSequence
                        + ": one before it is not in the log");
    }

    /** False when the record has to wait for a segment, which is on its way. */
    private boolean makeRoom(PendingRecord record) {
        int payloadBytes = record.payloadBytes();
        if (!tail.isCut() && !batch.fits(payloadBytes)) {
            writeBatch();
        }
        int bytes = RecordHeader.recordBytes(payloadBytes);
        if (!hasRoom(bytes)) {
            writeBatch();
            if (!tail.isCut()) {
                roll(record.givenMicros);
            }
        }
        boolean room = hasRoom(bytes);
        if (!room) {
            supply.request();
        }
        return room;
    }

    private boolean hasRoom(int recordBytes) {
        return !tail.isCut()
                && batch.endPosition() + (long) recordBytes <= tail.current().unitBytes();
    }

    /**
     * Goes on in the segment made ahead, if there is one.
     *
     * @param givenMicros the time that its first record keeps; 0 for now
     */
    private void roll(long givenMicros) {
        Segment next = supply.take();
        if (next != null) {
            long micros = givenMicros == 0 ? scheduler.wallClockMicros() : givenMicros;
            SegmentHeader header = tail.rollTo(next, Math.max(stagedTimeMicros, micros));
            forces.wrote(next);
            batch.startSegment(header);
            ground.startSegment();
            note.owe();
            supply.requestAhead();
        }
    }

    private void writeBatch() {
        if (batch.isEmpty()) {
            return;
        }
        int start = batch.startPosition();
        int bytes = batch.bytes();
        int count = batch.count();
        Segment current = tail.current();
        ByteBuffer zeros = ground.append(bytes, batch.endPosition(), current.unitBytes());
        int ahead = zeros == null ? 0 : zeros.remaining();
        try {
            batch.write(current.file(), zeros);
        } catch (StorageException failure) {
            failBatch(start, failure);
            return;
        }
        counters.gatheredWrites.increment();
        counters.appendedBytes.add(bytes + ahead);
        counters.appendedRecords.add(count);
        PendingRecord record = batch.take();
        while (record != null) {
            PendingRecord following = record.next;
            appended(record);
            record = following;
        }
        tail.epoch(stagedEpoch);
        note.write(current);
        forces.start();
    }

    /** Keeps a note of this content; see {@link LogNote}. */
    void note(ByteBuffer content) {
        state.lock.lock();
        try {
            note.set(content);
            // The first batch of a segment is written over its whole first page.
            if (state.isOpen() && batch.startPosition() > 0) {
                note.write(tail.current());
            }
        } finally {
            state.lock.unlock();
        }
    }

    private void appended(PendingRecord record) {
        tail.appended(record);
        observer.appended(record, stagedEpoch);
        record.appended();
        if (record.force) {
            forces.await(record);
        } else {
            state.ended.add(record);
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
        failStaged(told);
        tail.cutAt(start);
        listener.event(
                tail.current().file().path()
                        + " is cut at position "
                        + start
                        + ": "
                        + failure.getMessage());
        supply.request();
    }

    private void failStaged(BlockDeviceException failure) {
        PendingRecord record = batch.take();
        while (record != null) {
            PendingRecord following = record.next;
            record.failure = failure;
            state.ended.add(record);
            record = following;
        }
        stagedSequence = tail.lastSequence();
        stagedEpoch = tail.epoch();
    }

    /** What the supply of segments asks of the log. */
    private final class Supplied implements SegmentSupply.Customer {
        @Override
        public void continueIn(Segment made) {
            Segment empty = tail.continueIn(made);
            if (empty != null) {
                forces.forget(empty);
                store.retire(empty);
            }
            forces.wrote(made);
            batch.startAt(SegmentHeader.RESERVED_BYTES);
            ground.startSegment();
            note.owe();
        }

        @Override
        public void place(PendingRecord record) {
            RecordLog.this.place(record);
        }

        @Override
        public void write() {
            writeBatch();
        }

        @Override
        public void fail(JournalException cause) {
            RecordLog.this.fail(cause);
        }
    }

    /** Completes once every record appended before this call is on stable storage. */
    public void force(Completion done) {
        forces.force(done);
    }

    /** Returns once every record up to {@code sequence} is on stable storage. Blocking. */
    public void forceNow(long sequence) throws JournalException {
        forces.forceNow(sequence);
    }

    /** A failed force is final: nothing is taken any more, whoever waits is told. */
    void fail(JournalException cause) {
        List<Completion> flushes;
        BlockDeviceException failure;
        state.lock.lock();
        try {
            if (state.hasFailed()) {
                return;
            }
            state.fail();
            failure =
                    new BlockDeviceException(
                            ErrorCode.DEVICE_FAILED, String.valueOf(cause.getMessage()), cause);
            flushes = forces.failed(failure);
            supply.stop(failure);
            failStaged(failure);
        } finally {
            state.unlockAndTell();
        }
        listener.failed(cause);
        flushes.forEach(flush -> flush.failed(failure));
    }

    /** Highest sequence number appended; 0 for an empty log. */
    public long lastSequence() {
        return tail.lastSequence();
    }

    /** Timestamp of the last record appended; of the log's making while it is empty. */
    public long lastTimeMicros() {
        return tail.lastTimeMicros();
    }

    /** Highest sequence number known to be on stable storage. */
    public long durableSequence() {
        return forces.durableSequence();
    }

    /** The owner's generation as records carry it now. */
    int epoch() {
        return tail.epoch();
    }

    /** Before anything is staged. */
    void epoch(int recovered) {
        tail.epoch(recovered);
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
        return reader.begin();
    }

    /** Where the next record will go at the earliest. */
    public Position end() {
        state.lock.lock();
        try {
            return tail.end();
        } finally {
            state.lock.unlock();
        }
    }

    /** Bytes the segments occupy: whole units when preallocated. */
    public long diskBytes() {
        return options.preallocate() ? store.bytes() : reader.writtenBytes();
    }

    SegmentStore store() {
        return store;
    }

    /** The segment that is being written to; what lies in front of it changes no more. */
    Segment current() {
        state.lock.lock();
        try {
            return tail.current();
        } finally {
            state.lock.unlock();
        }
    }

    /** There may be room now for a segment that was asked for. Cheap; under any lock. */
    void roomMade() {
        supply.roomMade();
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
        return reader.cursor(from, lastWanted);
    }

    /**
     * Follows the log from the record after a sequence number on, which somebody holds.
     *
     * @throws JournalException CORRUPT when it has gone
     */
    public LogFollower follow(long afterSequence) throws JournalException {
        return new LogFollower(reader, afterSequence);
    }

    /** Bytes of records from a place up to the end. */
    public long bytesAfter(Position from) {
        return reader.bytesAfter(from);
    }

    /** Whether every record from a place up to a sequence number already appended is kept. */
    boolean reaches(Position from, long sequence) {
        return reader.reaches(from, sequence);
    }

    /** Keeps the segments from one place up to and with another's readable. */
    public SegmentLease lease(Position from, Position to) throws JournalException {
        return reader.lease(from, to);
    }

    /** True once a force has failed: the log reads, but takes nothing any more. */
    public boolean failed() {
        return state.hasFailed();
    }

    /** Takes no more records; forces what is written; closes the files. Blocking. Idempotent. */
    @Override
    public void close() throws JournalException {
        if (state.isClosed()) {
            return;
        }
        try {
            forces.last(this::stop);
        } catch (JournalException failure) {
            fail(failure);
            throw failure;
        } finally {
            store.close();
        }
    }

    /** Writes what is staged and refuses what comes; false when there is nothing more to force. */
    private boolean stop() {
        state.lock.lock();
        try {
            if (!state.isOpen()) {
                return false;
            }
            writeBatch();
            state.close();
            supply.stop(state.refusal());
            return true;
        } finally {
            state.unlockAndTell();
        }
    }
}
