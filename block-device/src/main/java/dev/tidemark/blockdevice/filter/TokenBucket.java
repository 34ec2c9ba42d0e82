package dev.tidemark.blockdevice.filter;

import java.util.concurrent.TimeUnit;

/**
 * A rate with a burst, kept as the time at which the bucket will be full again. A cost larger than
 * the burst passes, and what follows pays for it. Not thread-safe.
 */
final class TokenBucket {
    private static final double SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final double nanosPerToken;
    private final long burstNanos;
    private long fullAtNanos;

    /**
     * A full bucket.
     *
     * @param perSecond tokens per second, 0 for no limit
     * @param burstNanos how long a rate may be saved up
     */
    TokenBucket(long perSecond, long burstNanos, long nowNanos) {
        if (perSecond < 0) {
            throw new IllegalArgumentException(
                    "rate " + perSecond + " per second is negative; 0 means no limit");
        }
        nanosPerToken = perSecond == 0 ? 0 : SECOND_NANOS / perSecond;
        this.burstNanos = burstNanos;
        fullAtNanos = nowNanos;
    }

    /** Takes tokens; returns how long whoever took them has to wait. */
    long take(long tokens, long nowNanos) {
        if (nanosPerToken == 0) {
            return 0;
        }
        long start = Math.max(fullAtNanos, nowNanos);
        fullAtNanos = start + Math.round(tokens * nanosPerToken);
        return Math.max(0, start - nowNanos - burstNanos);
    }
}
