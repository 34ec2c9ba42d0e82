package dev.tidemark.replica;

import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.LogFollower;
import dev.tidemark.journal.RecordKind;
import dev.tidemark.journal.RecordLog;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A group's durable records for a program outside, in order, from the newest at its opening on.
 * Nothing is kept for it: when redo that it has not read goes, or it is further behind than its
 * limit, it goes on after the newest record and says what it left out.
 *
 * <p>One thread reads; {@link #close} may come from any. Between two calls it holds no file.
 */
public final class Tap implements AutoCloseable {
    /** What a record without payload takes in a batch. */
    private static final int RECORD_BYTES = 128;

    /** How long a record may wait for a force that a host's flush did not bring. */
    private static final long FORCE_AFTER_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private final Engine engine;
    private final RecordLog redo;
    private final long limitBytes;
    private final boolean withPayload;
    private final CopyTally tally;
    private LogFollower follower;
    private volatile boolean closed;

    /** Who waits for a record; null when nobody does. */
    private volatile @Nullable Thread waiting;

    private Tap(Engine engine, long limitBytes, boolean withPayload) throws JournalException {
        this.engine = engine;
        this.redo = engine.journal.redo();
        this.limitBytes = limitBytes;
        this.withPayload = withPayload;
        this.tally = new CopyTally(engine);
        this.follower = redo.follow(tally.beginSequence());
        follower.close();
    }

    static Tap open(Engine engine, long limitBytes, boolean withPayload) throws ReplicaException {
        try {
            Tap tap = new Tap(engine, limitBytes, withPayload);
            engine.taps.add(tap);
            return tap;
        } catch (JournalException failure) {
            throw Failures.replica(failure);
        }
    }

    /** The record that it begins after. */
    public long beginSequence() {
        return tally.beginSequence();
    }

    /** False once it was closed, or the group is being closed. */
    public boolean isOpen() {
        return !closed && !engine.health.isClosing();
    }

    /**
     * The next records, or what was left out; null when there is nothing durable now. Blocking.
     *
     * @param maximumBytes of the records, but always at least one
     */
    public @Nullable TappedBatch next(int maximumBytes) throws ReplicaException {
        try {
            if (isGone() || redo.bytesAfter(follower.position()) > limitBytes) {
                return skip();
            }
            return readAgain(maximumBytes);
        } catch (JournalException failure) {
            throw Failures.replica(failure);
        } finally {
            follower.close();
        }
    }

    private boolean isGone() {
        return redo.begin().sequence() > follower.position().sequence();
    }

    /** Retention may take the segment between the look and the reading. */
    private @Nullable TappedBatch readAgain(int maximumBytes) throws JournalException {
        try {
            return read(maximumBytes);
        } catch (JournalException failure) {
            if (isGone()) {
                return skip();
            }
            // The place after the last record can be in a segment that has gone, the next one not.
            goOnAfter(follower.position().sequence() - 1);
            return read(maximumBytes);
        }
    }

    private @Nullable TappedBatch read(int maximumBytes) throws JournalException {
        long last = redo.durableSequence();
        List<TappedRecord> records = new ArrayList<>();
        long size = 0;
        while (size < maximumBytes && follower.next(last)) {
            TappedRecord record = record();
            records.add(record);
            ByteBuffer payload = record.payload();
            size += RECORD_BYTES + (payload == null ? 0 : payload.remaining());
            boolean counts = record.counts();
            tally.got(record.sequence(), counts ? 1 : 0, counts ? record.lengthBytes() : 0);
        }
        return records.isEmpty() ? null : new TappedBatch(null, records);
    }

    private TappedRecord record() throws JournalException {
        return new TappedRecord(
                follower.sequence(),
                follower.timeMicros(),
                follower.kind(),
                follower.volume(),
                follower.offsetBytes(),
                follower.lengthBytes(),
                WriteTally.counts(follower.kind(), follower.flags()),
                withPayload && follower.kind() == RecordKind.WRITE ? payload() : null);
    }

    private ByteBuffer payload() throws JournalException {
        ByteBuf bytes = Unpooled.buffer(follower.payloadBytes(), follower.payloadBytes());
        follower.copyPayload(bytes);
        return bytes.nioBuffer();
    }

    private @Nullable TappedBatch skip() throws JournalException {
        CopyTally.LeftOut left = tally.leftOut();
        if (left.last() < left.first()) {
            return null;
        }
        // What is named is durable: after a power failure no other record has its number.
        redo.forceNow(left.last());
        goOnAfter(left.last());
        engine.tapped.leftOut(left.writes());
        return new TappedBatch(
                new TappedGap(left.first(), left.last(), left.writes(), left.bytes()), List.of());
    }

    private void goOnAfter(long sequence) throws JournalException {
        follower.close();
        follower = redo.follow(sequence);
    }

    /** The reader has them. */
    public void gave(TappedBatch batch) {
        engine.tapped.gave(batch);
    }

    /**
     * Waits until there may be more, but not longer than this. Records that nobody forces are
     * forced after a moment.
     */
    public void await(long nanos) throws ReplicaException {
        long newest = redo.lastSequence();
        if (newest >= follower.position().sequence()) {
            LockSupport.parkNanos(this, FORCE_AFTER_NANOS);
            try {
                redo.forceNow(newest);
            } catch (JournalException failure) {
                throw Failures.replica(failure);
            }
            return;
        }
        waiting = Thread.currentThread();
        if (isOpen() && redo.lastSequence() < follower.position().sequence()) {
            LockSupport.parkNanos(this, nanos);
        }
        waiting = null;
    }

    /** A record was appended. Under the redo log's lock; cheap. */
    void appended() {
        Thread reader = waiting;
        if (reader != null) {
            waiting = null;
            LockSupport.unpark(reader);
        }
    }

    @Override
    public void close() {
        closed = true;
        engine.taps.remove(this);
        appended();
    }
}
