package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.LogFollower;
import dev.tidemark.journal.Position;
import dev.tidemark.journal.RecordLog;
import dev.tidemark.journal.RedoHold;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * An active group's records for one copy: read in order from the redo log once they are durable,
 * and kept there until the copy has them. What it says is durable only: what the source could still
 * lose must not be at the copy.
 *
 * <p>{@link #next} may wait for a disk; one thread at a time reads and acknowledges. The figures
 * may be asked from any thread.
 */
public final class Shipment implements AutoCloseable {
    /** The end of a batch that was read. */
    private record BatchEnd(long sequence, Position end) {}

    private final Engine engine;
    private final RecordLog redo;
    private final RedoHold hold;
    private final AtomicBoolean givenUp;
    private final LogFollower follower;
    private final StreamPosition begin;
    private final RecordWire wire = new RecordWire();
    private final Deque<BatchEnd> unacknowledged = new ArrayDeque<>();
    private volatile Position acknowledged;
    private volatile @Nullable Runnable onMore;
    private volatile long countedSequence;
    private volatile boolean closed;

    private Shipment(
            Engine engine,
            RedoHold hold,
            AtomicBoolean givenUp,
            LogFollower follower,
            StreamPosition begin) {
        this.engine = engine;
        this.redo = engine.journal.redo();
        this.hold = hold;
        this.givenUp = givenUp;
        this.follower = follower;
        this.begin = begin;
        this.acknowledged = follower.position();
    }

    /** Begins after a record that the copy has. Blocking. */
    static Shipment open(Engine engine, long afterSequence) throws ReplicaException {
        RecordLog redo = engine.journal.redo();
        AtomicBoolean givenUp = new AtomicBoolean();
        RedoHold hold = engine.journal.holdRedo(afterSequence, () -> givenUp.set(true));
        if (hold == null) {
            throw new ReplicaException(
                    ReplicaException.Kind.OUTSIDE_WINDOW,
                    "redo from record "
                            + (afterSequence + 1)
                            + " on is not kept any more; the log holds "
                            + redo.begin().sequence()
                            + " to "
                            + redo.lastSequence());
        }
        try {
            StreamPosition begin = position(engine, afterSequence);
            Shipment shipment =
                    new Shipment(engine, hold, givenUp, redo.follow(afterSequence), begin);
            engine.shipments.add(shipment);
            return shipment;
        } catch (JournalException failure) {
            hold.close();
            throw Failures.replica(failure);
        }
    }

    /** What this site knows of a record; of the newest, what the log says without a look at it. */
    static StreamPosition position(Engine engine, long sequence) throws JournalException {
        RecordLog redo = engine.journal.redo();
        if (sequence >= redo.begin().sequence()) {
            try (LogFollower at = redo.follow(sequence - 1)) {
                if (at.next(sequence)) {
                    return new StreamPosition(sequence, at.timeMicros(), at.epoch());
                }
            }
        }
        boolean newest = sequence == redo.lastSequence();
        long micros = newest ? redo.lastTimeMicros() : 0;
        Boundary boundary = engine.journal.boundaryUpTo(sequence);
        if (boundary != null && boundary.sequence() == sequence) {
            micros = boundary.timeMicros();
        }
        int epoch = newest ? engine.journal.epoch() : 0;
        return new StreamPosition(sequence, micros, epoch);
    }

    /**
     * The record it began after, to compare with what the copy says. An epoch of 0 or a time of 0
     * means that this site does not know any more.
     */
    public StreamPosition begin() {
        return begin;
    }

    /**
     * Told, under the redo log's lock and cheaply, when there is something after an even moment.
     */
    public void onMore(Runnable more) {
        onMore = more;
    }

    /** Writes up to this record do not count any more in what is read. */
    public void countAfter(long sequence) {
        countedSequence = sequence;
    }

    /** A record was appended. Under the redo log's lock. */
    void appended() {
        Runnable more = onMore;
        if (more != null) {
            more.run();
        }
    }

    /**
     * The next durable records; null when there are none now. Blocking.
     *
     * @param maximumBytes of the body, but always at least one record
     */
    public @Nullable ShippedRecords next(int maximumBytes) throws ReplicaException {
        long last = engine.rules.shipsUndurable() ? redo.lastSequence() : redo.durableSequence();
        ByteBuf body = null;
        boolean whole = false;
        try {
            long first = 0;
            long micros = 0;
            int count = 0;
            long writes = 0;
            long writeBytes = 0;
            while ((body == null || body.readableBytes() < maximumBytes) && follower.next(last)) {
                if (body == null) {
                    body = PooledByteBufAllocator.DEFAULT.directBuffer(64 << 10);
                    body.writeLongLE(follower.sequence()).writeIntLE(0);
                    first = follower.sequence();
                    micros = follower.timeMicros();
                }
                wire.encode(follower, body);
                count++;
                if (follower.sequence() > countedSequence
                        && WriteTally.counts(follower.kind(), follower.flags())) {
                    writes++;
                    writeBytes += follower.lengthBytes();
                }
            }
            if (body == null) {
                return null;
            }
            body.setIntLE(8, count);
            unacknowledged.add(new BatchEnd(first + count - 1, follower.position()));
            whole = true;
            return new ShippedRecords(first, count, micros, writes, writeBytes, body);
        } catch (JournalException failure) {
            throw Failures.replica(failure);
        } finally {
            if (!whole && body != null) {
                body.release();
            }
        }
    }

    /** The record that was read last, or began after. */
    public StreamPosition position() {
        long sequence = follower.position().sequence() - 1;
        return sequence == begin.sequence()
                ? begin
                : new StreamPosition(sequence, follower.timeMicros(), follower.epoch());
    }

    /** Highest sequence number in the log, durable or not. */
    public long lastSequence() {
        return redo.lastSequence();
    }

    /** Whether the log holds something that a power failure would take. */
    public boolean hasUnforced() {
        return redo.durableSequence() < redo.lastSequence();
    }

    /** Makes what is in the log durable; {@code then} runs when that has ended, well or not. */
    public void force(Runnable then) {
        redo.force(
                new Completion() {
                    @Override
                    public void succeeded() {
                        then.run();
                    }

                    @Override
                    public void failed(BlockDeviceException failure) {
                        then.run();
                    }
                });
    }

    /** The copy has everything up to this record on its disk: it is kept for it no longer. */
    public void acknowledged(long sequence) {
        while (!unacknowledged.isEmpty() && unacknowledged.element().sequence() <= sequence) {
            acknowledged = unacknowledged.remove().end();
        }
        hold.advance(sequence);
    }

    /**
     * Whether redo is kept no longer because the pool was full: what is not read yet may have gone.
     */
    public boolean isGivenUp() {
        return givenUp.get();
    }

    /** Redo that is kept because the copy has not got it. */
    public long backlogBytes() {
        return closed ? 0 : redo.bytesAfter(acknowledged);
    }

    @Override
    public void close() {
        closed = true;
        engine.shipments.remove(this);
        follower.close();
        hold.close();
    }
}
