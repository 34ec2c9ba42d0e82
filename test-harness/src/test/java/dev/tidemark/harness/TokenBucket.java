package dev.tidemark.harness;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A rate that several threads share, with a small burst. Whoever takes bytes waits until they are
 * free, first come, first served. Thread-safe.
 */
final class TokenBucket {
    static final long UNLIMITED = Long.MAX_VALUE;

    private static final long BURST_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private long bytesPerSecond = UNLIMITED; // guarded by this
    private long freeAtNanos; // guarded by this: when all that was taken has passed
    private long generation; // guarded by this: of the rate

    /** Whoever waits by the old rate goes at once. */
    synchronized void rate(long newBytesPerSecond) {
        if (newBytesPerSecond <= 0) {
            throw new IllegalArgumentException("a rate of " + newBytesPerSecond);
        }
        bytesPerSecond = newBytesPerSecond;
        freeAtNanos = System.nanoTime();
        generation++;
        notifyAll();
    }

    /**
     * Waits until the bytes may pass, or nobody wants them to; the latter is asked now and then.
     */
    synchronized void take(int bytes, BooleanSupplier wanted) throws InterruptedException {
        if (bytesPerSecond == UNLIMITED) {
            return;
        }
        double nanos = (double) bytes * TimeUnit.SECONDS.toNanos(1) / bytesPerSecond;
        long earliest = System.nanoTime() - BURST_NANOS;
        freeAtNanos = (freeAtNanos - earliest < 0 ? earliest : freeAtNanos) + (long) nanos;
        long passed = freeAtNanos;
        long mine = generation;
        while (wanted.getAsBoolean() && generation == mine) {
            long left = passed - System.nanoTime();
            if (left <= 0) {
                return;
            }
            TimeUnit.NANOSECONDS.timedWait(
                    this, Math.min(left, TimeUnit.MILLISECONDS.toNanos(100)));
        }
    }
}
