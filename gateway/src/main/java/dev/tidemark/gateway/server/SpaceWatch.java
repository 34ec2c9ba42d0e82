package dev.tidemark.gateway.server;

import dev.tidemark.blockdevice.SharedSpace;
import dev.tidemark.execution.Scheduler;
import java.io.File;
import java.nio.file.Path;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How full the data directory's file system is: looks every second, so that whoever asks waits for
 * nothing. Journals are not counted apart, since history makes way for new writes. Thread-safe.
 */
final class SpaceWatch implements Supplier<@Nullable SharedSpace>, AutoCloseable {
    private static final long PERIOD_NANOS = 1_000_000_000;

    private final File directory;
    private final Scheduler scheduler;
    private volatile @Nullable SharedSpace space;
    private Scheduler.@Nullable Cancellable next; // guarded by this, like the next
    private boolean closed;

    /** Looks for the first time. */
    SpaceWatch(Path directory, Scheduler scheduler) {
        this.directory = directory.toFile();
        this.scheduler = scheduler;
        look();
    }

    /** Null when the file system does not tell. */
    @Override
    public @Nullable SharedSpace get() {
        return space;
    }

    /** Begins to look. */
    synchronized SpaceWatch start() {
        if (!closed) {
            try {
                next = scheduler.schedule(PERIOD_NANOS, this::lookAgain);
            } catch (RejectedExecutionException stopping) {
                closed = true;
            }
        }
        return this;
    }

    private void lookAgain() {
        try {
            look();
        } finally {
            start();
        }
    }

    private void look() {
        long total = directory.getTotalSpace();
        long usable = directory.getUsableSpace();
        if (total <= 0) {
            return; // it is gone for the moment: what was known stays
        }
        SharedSpace now = new SharedSpace(Math.max(0, total - usable), usable);
        if (!now.equals(space)) {
            space = now;
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (next != null) {
            next.cancel();
        }
    }
}
