package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.journal.RecordLog;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Back-pressure of the fold on hosts: while more redo than the limit is not in gold, writes wait in
 * a queue, which the protocols' in-flight limits bound. When the fold is stalled for good they fail
 * with NO_SPACE instead. Thread-safe.
 */
final class Throttle {
    /** What a record counts beside its payload: header, extent, share of a run. */
    static final long RECORD_BYTES = 128;

    private static final int BATCH = 64;

    private final RecordLog redo;
    private final long limitBytes;
    private final AtomicLong unfoldedBytes = new AtomicLong();
    private final LongAdder throttled = new LongAdder();
    private final Queue<LiveWrite> waiting = new ArrayDeque<>(); // guarded by this
    private volatile int waitingCount;

    /** Who puts in records that no host waits for. */
    private final List<Opening> opening = new CopyOnWriteArrayList<>();

    private record Opening(CompletableFuture<Void> opened) {}

    private volatile boolean hopeless;

    Throttle(RecordLog redo, long limitBytes) {
        this.redo = redo;
        this.limitBytes = limitBytes;
    }

    /** Stages a write, or lets it wait, or fails it. */
    void stage(LiveWrite write) {
        if (waitingCount == 0 && !isClosed()) {
            redo.stage(write);
        } else if (hopeless) {
            write.failed(noSpace());
        } else {
            queue(write);
        }
    }

    private void queue(LiveWrite write) {
        throttled.increment();
        synchronized (this) {
            waiting.add(write);
            waitingCount = waiting.size();
        }
        // The fold may have caught up, or given up, since the first look.
        drain();
        if (hopeless) {
            giveUp();
        }
    }

    boolean isClosed() {
        return unfoldedBytes.get() >= limitBytes;
    }

    /** A record is in the log. */
    void charge(long bytes) {
        unfoldedBytes.addAndGet(bytes);
    }

    /** A layer is in gold. */
    void release(long bytes) {
        unfoldedBytes.addAndGet(-bytes);
        hopeless = false;
        drain();
        tellOpened();
    }

    /** Completes when the fold has caught up: on the thread that has folded, or at once. */
    CompletableFuture<Void> opened() {
        Opening one = new Opening(new CompletableFuture<>());
        opening.add(one);
        var _ = one.opened().whenComplete((nothing, failure) -> opening.remove(one));
        // The fold may have caught up since the first look.
        tellOpened();
        return one.opened();
    }

    private void tellOpened() {
        if (!isClosed()) {
            opening.forEach(one -> one.opened().complete(null));
        }
    }

    /** Lets waiting writes go on while the limit allows. */
    private void drain() {
        while (!isClosed()) {
            List<LiveWrite> batch = take();
            if (batch.isEmpty()) {
                return;
            }
            batch.forEach(redo::stage);
            redo.submit();
        }
    }

    private synchronized List<LiveWrite> take() {
        List<LiveWrite> batch = new ArrayList<>();
        while (batch.size() < BATCH && !waiting.isEmpty()) {
            batch.add(waiting.remove());
        }
        waitingCount = waiting.size();
        return batch;
    }

    /**
     * The fold is stalled for good: what waits, and what comes above the limit, fails with NO_SPACE
     * until a layer is folded.
     */
    void giveUp() {
        hopeless = true;
        if (isClosed()) {
            failWaiting(noSpace());
        }
    }

    private BlockDeviceException noSpace() {
        return new BlockDeviceException(
                ErrorCode.NO_SPACE,
                unfoldedBytes.get()
                        + " bytes wait to be folded, the limit is "
                        + limitBytes
                        + ", and the fold is stalled; make room on the file system or in the pool");
    }

    void failWaiting(BlockDeviceException failure) {
        for (List<LiveWrite> batch = take(); !batch.isEmpty(); batch = take()) {
            batch.forEach(write -> write.failed(failure));
        }
    }

    long unfoldedBytes() {
        return unfoldedBytes.get();
    }

    long limitBytes() {
        return limitBytes;
    }

    int waitingCount() {
        return waitingCount;
    }

    long throttledCount() {
        return throttled.sum();
    }
}
