package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A host's zero or trim: cut into records none of which can have more before-images than an undo
 * run holds. Space never written costs nothing, so a fresh disk is trimmed with one record. A
 * request of many records goes on in batches on the I/O executor.
 */
final class ZeroRequest {
    private static final int BATCH = 16;

    private final HeadLog log;
    private final Volume volume;
    private final Executor io;
    private final long endBytes;
    private final boolean deallocate;
    private final boolean fua;
    private final Completion done;
    private long nextBytes;
    private final AtomicInteger pending = new AtomicInteger();
    private final AtomicReference<@Nullable BlockDeviceException> failure = new AtomicReference<>();

    ZeroRequest(
            HeadLog log,
            Volume volume,
            Executor io,
            long offsetBytes,
            long lengthBytes,
            boolean deallocate,
            boolean fua,
            Completion done) {
        this.log = log;
        this.volume = volume;
        this.io = io;
        this.nextBytes = offsetBytes;
        this.endBytes = offsetBytes + lengthBytes;
        this.deallocate = deallocate;
        this.fua = fua;
        this.done = done;
    }

    /** Stages the first batch; like any write it waits for the caller's submit. */
    void start() {
        stageBatch();
    }

    private void continueBatch() {
        stageBatch();
        log.redo().submit();
    }

    private void stageBatch() {
        pending.set(1);
        for (int i = 0; i < BATCH && nextBytes < endBytes; i++) {
            long start = nextBytes;
            nextBytes =
                    pieceEnd(volume.allocation(), log.head().weightLimitBytes(), start, endBytes);
            boolean force = fua && nextBytes == endBytes;
            pending.incrementAndGet();
            log.throttle()
                    .stage(
                            new LiveWrite(log, volume, new PieceEnd())
                                    .zero(start, nextBytes - start, deallocate, force));
        }
        pieceEnded();
    }

    /** Where the piece from {@code start} on holds as much data as a layer's run may have. */
    static long pieceEnd(AllocationMap map, long budgetBytes, long start, long endBytes) {
        long budget = budgetBytes;
        long at = map.dataFrom(start, endBytes);
        while (at < endBytes && budget > 0) {
            long until = Math.min(map.holeFrom(at, endBytes), at + budget);
            budget -= until - at;
            at = budget > 0 ? map.dataFrom(until, endBytes) : until;
        }
        return at;
    }

    private void pieceEnded() {
        if (pending.decrementAndGet() > 0) {
            return;
        }
        BlockDeviceException failed = failure.get();
        if (failed != null) {
            done.failed(failed);
        } else if (nextBytes < endBytes) {
            io.execute(this::continueBatch);
        } else {
            done.succeeded();
        }
    }

    private final class PieceEnd implements Completion {
        @Override
        public void succeeded() {
            pieceEnded();
        }

        @Override
        public void failed(BlockDeviceException cause) {
            failure.compareAndSet(null, cause);
            pieceEnded();
        }
    }
}
