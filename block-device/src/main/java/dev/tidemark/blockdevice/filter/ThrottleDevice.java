package dev.tidemark.blockdevice.filter;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.execution.Scheduler;
import java.util.concurrent.TimeUnit;

/**
 * A device held to a rate of requests and of bytes per second; what exceeds them waits its turn on
 * the scheduler. Up to a tenth of a second of an unused rate is saved up. Trims, zeroes and flushes
 * count as requests without bytes. Thread-safe.
 */
public final class ThrottleDevice extends Deferring {
    private static final long BURST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final TokenBucket requests; // guarded by this
    private final TokenBucket bytes; // guarded by this

    /**
     * Wraps a device.
     *
     * @param requestsPerSecond 0 for no limit
     * @param bytesPerSecond 0 for no limit
     */
    public ThrottleDevice(
            BlockDevice below, Scheduler scheduler, long requestsPerSecond, long bytesPerSecond) {
        super(below, scheduler);
        long now = scheduler.nanoTime();
        requests = new TokenBucket(requestsPerSecond, BURST_NANOS, now);
        bytes = new TokenBucket(bytesPerSecond, BURST_NANOS, now);
    }

    @Override
    synchronized long delayNanos(Request.Kind kind, long lengthBytes) {
        long now = scheduler().nanoTime();
        return Math.max(requests.take(1, now), bytes.take(lengthBytes, now));
    }
}
