package dev.tidemark.replica.link;

import java.util.concurrent.TimeUnit;

/**
 * A limit in bytes per second that may change at any time; a tenth of a second may be saved up. A
 * frame larger than that passes, and what follows pays for it. Not thread-safe.
 */
final class TokenBucket {
    private static final long BURST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private long bytesPerSecond;
    private long paidUntilNanos;

    TokenBucket(long bytesPerSecond, long nowNanos) {
        limit(bytesPerSecond, nowNanos);
    }

    /** 0 for no limit. Old debts are forgotten. */
    void limit(long bytes, long nowNanos) {
        if (bytes < 0) {
            throw new IllegalArgumentException("limit " + bytes + " bytes per second is negative");
        }
        bytesPerSecond = bytes;
        paidUntilNanos = nowNanos;
    }

    /** How long the next frame has to wait; 0 when it may go now. */
    long waitNanos(long nowNanos) {
        return bytesPerSecond == 0 ? 0 : Math.max(0, paidUntilNanos - nowNanos - BURST_NANOS);
    }

    /** Counts a frame that was sent. */
    void take(long bytes, long nowNanos) {
        if (bytesPerSecond != 0) {
            double nanos = bytes * (double) TimeUnit.SECONDS.toNanos(1) / bytesPerSecond;
            paidUntilNanos = Math.max(paidUntilNanos, nowNanos) + Math.round(nanos);
        }
    }
}
