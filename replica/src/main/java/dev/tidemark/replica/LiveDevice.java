package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A handle of a live disk.
 *
 * <p><b>The write path, in one sitting.</b> {@link #write} makes the request its own redo record
 * ({@link LiveWrite}) and stages it: the log gives it the next sequence number. {@link #submit}
 * writes everything staged, of all handles, with one gathered append; then, still under the log's
 * lock and in sequence order, each record puts itself into the head's newest layer ({@link
 * HeadLog#appended}), and outside the lock completes. No thread is changed on the way. Only when
 * the fold is far behind does {@link Throttle} hold writes back.
 */
final class LiveDevice implements BlockDevice {
    private final HeadLog log;
    private final Volume volume;
    private final Health health;
    private final Rules rules;
    private final Executor io;
    private final int maximumBytes;
    private final AtomicBoolean closed = new AtomicBoolean();

    LiveDevice(
            HeadLog log, Volume volume, Health health, Rules rules, Executor io, int maximumBytes) {
        this.log = log;
        this.volume = volume;
        this.health = health;
        this.rules = rules;
        this.io = io;
        this.maximumBytes = maximumBytes;
        volume.handles().incrementAndGet();
    }

    /**
     * Largest request of a device over a log: what a record holds, at most half a unit (a run has
     * to hold a layer and one more write), whole 4 KiB.
     */
    static int maximumBytes(int maximumPayloadBytes) {
        int bytes = Math.min(Geometry.DEFAULT_MAXIMUM_BYTES, maximumPayloadBytes / 2);
        return bytes & -4096;
    }

    @Override
    public Geometry geometry() {
        return new Geometry(volume.sizeBytes(), 1, 4096, maximumBytes);
    }

    @Override
    public Features features() {
        return Features.LIVE;
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        int lengthBytes = data.readableBytes();
        assert inRange(offsetBytes, lengthBytes) && lengthBytes <= maximumBytes;
        if (ended(lengthBytes == 0, done)) {
            return;
        }
        volume.writes.increment();
        volume.writtenBytes.add(lengthBytes);
        if (rules.acknowledgesBeforeAppend()) {
            ByteBuf copy = data.copy();
            done.succeeded();
            log.throttle()
                    .stage(
                            new LiveWrite(log, volume, new ReleasingCompletion(copy))
                                    .write(offsetBytes, copy, fua));
            return;
        }
        log.throttle().stage(new LiveWrite(log, volume, done).write(offsetBytes, data, fua));
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        assert inRange(offsetBytes, lengthBytes);
        if (ended(lengthBytes == 0, done)) {
            return;
        }
        volume.zeroes.increment();
        volume.zeroedBytes.add(lengthBytes);
        new ZeroRequest(log, volume, io, offsetBytes, lengthBytes, deallocate, fua, done).start();
    }

    @Override
    public void flush(Completion done) {
        if (!ended(false, done)) {
            volume.flushes.increment();
            log.redo().force(done);
        }
    }

    @Override
    public void submit() {
        log.redo().submit();
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        assert inRange(offsetBytes, lengthBytes) && lengthBytes <= maximumBytes;
        if (closed.get()) {
            done.failed(Failures.closed("this handle of volume " + volume.name()));
            return;
        }
        volume.reads.increment();
        volume.readBytes.add(lengthBytes);
        SourceRead.start(log.head(), volume.id(), offsetBytes, lengthBytes, io, done);
    }

    @Override
    public void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        if (closed.get()) {
            done.failed(Failures.closed("this handle of volume " + volume.name()));
            return;
        }
        StatusRequest.start(
                (offset, length, limit, into) ->
                        log.head().allocation(volume.id(), offset, length, limit, into),
                offsetBytes,
                lengthBytes,
                maximumCount,
                io,
                done);
    }

    @Override
    public void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        if (closed.get()) {
            done.failed(Failures.closed("this handle of volume " + volume.name()));
        } else {
            Prefetch.start(log.head(), volume.id(), offsetBytes, lengthBytes, io, done);
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            volume.handles().decrementAndGet();
        }
    }

    private boolean inRange(long offsetBytes, long lengthBytes) {
        return offsetBytes >= 0
                && lengthBytes >= 0
                && lengthBytes <= volume.sizeBytes() - offsetBytes;
    }

    /** Ends a request that is refused or empty; false when it is to go on. */
    private boolean ended(boolean empty, Completion done) {
        BlockDeviceException refusal = refusal();
        if (refusal != null) {
            done.failed(refusal);
            return true;
        }
        if (empty) {
            done.succeeded();
        }
        return empty;
    }

    private @Nullable BlockDeviceException refusal() {
        if (closed.get()) {
            return Failures.closed("this handle of volume " + volume.name());
        }
        return health.refusal();
    }

    /** Only for the broken variant that answers too early. */
    private record ReleasingCompletion(ByteBuf copy) implements Completion {
        @Override
        public void succeeded() {
            copy.release();
        }

        @Override
        public void failed(BlockDeviceException failure) {
            copy.release();
        }
    }
}
