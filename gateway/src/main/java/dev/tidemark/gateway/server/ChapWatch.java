package dev.tidemark.gateway.server;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.gateway.config.ChapSecrets;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Alerts.Severity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The CHAP secrets that count: looks every second whether their file has changed, and keeps the
 * earlier ones when the new ones cannot be used. Thread-safe.
 */
final class ChapWatch implements Supplier<ChapSecrets>, AutoCloseable {
    private static final long PERIOD_NANOS = 1_000_000_000;

    private final Path file;
    private final Alerts alerts;
    private final Scheduler scheduler;
    private volatile ChapSecrets secrets;
    private @Nullable Object lastMark; // guarded by this, like the next
    private Scheduler.@Nullable Cancellable next;
    private boolean closed;

    /** Reads the file; one that cannot be used is a problem. */
    ChapWatch(Path file, Alerts alerts, Scheduler scheduler) {
        this.file = file;
        this.alerts = alerts;
        this.scheduler = scheduler;
        this.lastMark = mark();
        this.secrets = ChapSecrets.read(file);
    }

    @Override
    public ChapSecrets get() {
        return secrets;
    }

    /** Begins to look. */
    synchronized ChapWatch start() {
        if (!closed) {
            try {
                next = scheduler.schedule(PERIOD_NANOS, this::look);
            } catch (RejectedExecutionException stopping) {
                closed = true;
            }
        }
        return this;
    }

    private void look() {
        try {
            reload();
        } finally {
            start();
        }
    }

    private synchronized void reload() {
        Object mark = mark();
        if (mark.equals(lastMark)) {
            return;
        }
        lastMark = mark;
        try {
            secrets = ChapSecrets.read(file);
            alerts.raise(
                    Severity.INFO,
                    Alerts.CHAP_RELOADED,
                    "",
                    "new logins use the changed CHAP secrets; sessions that are open stay");
        } catch (ProblemException e) {
            alerts.raise(
                    Severity.WARNING,
                    Alerts.CHAP_NOT_RELOADED,
                    "",
                    "the earlier CHAP secrets stay in use: " + e.problem().sentence());
        }
    }

    /** Another one whenever the file has changed. */
    private Object mark() {
        try {
            BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
            return List.of(
                    String.valueOf(now.fileKey()),
                    now.lastModifiedTime(),
                    now.size(),
                    Files.getAttribute(file, "unix:ctime"));
        } catch (IOException e) {
            return e.toString();
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
