package dev.tidemark.blockdevice.filter;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.execution.Scheduler;
import java.util.function.LongSupplier;

/**
 * A device that is slow: each request waits as long as a source says before it is handed down, so
 * that requests overtake each other.
 */
public final class DelayDevice extends Deferring {
    private final LongSupplier delaysNanos;

    /**
     * Wraps a device.
     *
     * @param delaysNanos asked once per request, from any thread; 0 or less lets it pass
     */
    public DelayDevice(BlockDevice below, Scheduler scheduler, LongSupplier delaysNanos) {
        super(below, scheduler);
        this.delaysNanos = delaysNanos;
    }

    @Override
    long delayNanos(Request.Kind kind, long lengthBytes) {
        return delaysNanos.getAsLong();
    }
}
