package dev.tidemark.blockdevice.filter;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.execution.Scheduler;
import io.netty.buffer.ByteBuf;

/**
 * A device that hands requests down later than it gets them, each as a batch of its own. What is
 * not deferred passes at once. A close waits for what was deferred. Thread-safe if {@link
 * #delayNanos} is.
 */
abstract class Deferring extends Forwarding {
    private final Scheduler scheduler;
    private final Object guard = new Object();
    private int deferred; // guarded by guard
    private boolean closed; // guarded by guard

    Deferring(BlockDevice below, Scheduler scheduler) {
        super(below);
        this.scheduler = scheduler;
    }

    final Scheduler scheduler() {
        return scheduler;
    }

    /**
     * How long to hold a request of this many bytes, 0 for one without a payload; 0 or less lets it
     * pass.
     */
    abstract long delayNanos(Request.Kind kind, long lengthBytes);

    @Override
    public final void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        if (refused()) {
            done.failed(shutdown());
            return;
        }
        defer(
                delayNanos(Request.Kind.READ, lengthBytes),
                () -> super.read(offsetBytes, lengthBytes, done));
    }

    @Override
    public final void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        if (refused()) {
            done.failed(shutdown());
            return;
        }
        long delay = delayNanos(Request.Kind.WRITE, data.readableBytes());
        defer(delay, () -> super.write(offsetBytes, data, fua, done));
    }

    @Override
    public final void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        if (refused()) {
            done.failed(shutdown());
            return;
        }
        long delay = delayNanos(deallocate ? Request.Kind.TRIM : Request.Kind.ZERO, 0);
        defer(delay, () -> super.zero(offsetBytes, lengthBytes, deallocate, fua, done));
    }

    @Override
    public final void flush(Completion done) {
        if (refused()) {
            done.failed(shutdown());
            return;
        }
        defer(delayNanos(Request.Kind.FLUSH, 0), () -> super.flush(done));
    }

    @Override
    public final void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        if (refused()) {
            done.failed(shutdown());
            return;
        }
        defer(
                delayNanos(Request.Kind.STATUS, 0),
                () -> super.allocation(offsetBytes, lengthBytes, maximumCount, done));
    }

    @Override
    public final void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        if (refused()) {
            done.failed(shutdown());
            return;
        }
        defer(
                delayNanos(Request.Kind.PREFETCH, 0),
                () -> super.prefetch(offsetBytes, lengthBytes, done));
    }

    @Override
    public final void close() {
        synchronized (guard) {
            if (closed) {
                return;
            }
            closed = true;
            if (deferred > 0) {
                return;
            }
        }
        super.close();
    }

    private boolean refused() {
        synchronized (guard) {
            return closed;
        }
    }

    private void defer(long delayNanos, Runnable handDown) {
        if (delayNanos <= 0) {
            handDown.run();
            return;
        }
        synchronized (guard) {
            deferred++;
        }
        scheduler.schedule(
                delayNanos,
                () -> {
                    handDown.run();
                    below().submit();
                    finishOne();
                });
    }

    private void finishOne() {
        synchronized (guard) {
            deferred--;
            if (!closed || deferred > 0) {
                return;
            }
        }
        super.close();
    }

    private static BlockDeviceException shutdown() {
        return new BlockDeviceException(
                ErrorCode.SHUTDOWN, "request refused: the device is closed");
    }
}
