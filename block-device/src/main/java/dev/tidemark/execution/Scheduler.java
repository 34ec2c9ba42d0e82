package dev.tidemark.execution;

import java.util.concurrent.Executor;

/**
 * The only source of time and of threads below the gateway module: in production a pool, in the
 * simulation one seeded queue. Thread-safe. Tasks must not wait for other tasks.
 */
public interface Scheduler {
    /** Wall-clock time, microseconds since 1970-01-01T00:00Z; may jump. */
    long wallClockMicros();

    /** Monotonic time in nanoseconds from an arbitrary origin. */
    long nanoTime();

    /** Where work that may wait for a disk runs. */
    Executor io();

    /**
     * A new executor over {@link #io()} that runs its tasks one after the other, in order, each
     * seeing the effects of the ones before.
     */
    Executor newSerial(String name);

    /**
     * Runs {@code task} on {@link #io()} after {@code delayNanos}; cancelled through the handle
     * unless it has started.
     */
    Cancellable schedule(long delayNanos, Runnable task);

    /** Handle of a scheduled task. */
    interface Cancellable {
        void cancel();
    }
}
