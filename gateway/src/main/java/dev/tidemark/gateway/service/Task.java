package dev.tidemark.gateway.service;

import dev.tidemark.gateway.catalogue.TaskRow;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Wire.TaskDocument;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Long work on its way. Thread-safe. */
public final class Task {
    /** Where the work says how far it is. */
    public interface Progress {
        void share(long done, long total);

        void share(double share);

        void detail(String text);
    }

    /** The work: returns a document, or null when it makes nothing. */
    public interface Work {
        @Nullable Object run(Progress progress) throws Exception;
    }

    private final long id;
    private final String kind;
    private final String subject;
    private final long startedMicros;
    private final CompletableFuture<Task> ended = new CompletableFuture<>();
    private volatile double progress;
    private volatile String detail = "";
    private volatile String state = "running";
    private volatile @Nullable Long endedMicros;
    private volatile @Nullable Object result;
    private volatile @Nullable Problem problem;

    Task(long id, String kind, String subject, long startedMicros) {
        this.id = id;
        this.kind = kind;
        this.subject = subject;
        this.startedMicros = startedMicros;
    }

    public long id() {
        return id;
    }

    public String kind() {
        return kind;
    }

    public String subject() {
        return subject;
    }

    /** Completes when the work has ended, in whatever way. */
    CompletableFuture<Task> ended() {
        return ended;
    }

    final class Recorder implements Progress {
        @Override
        public void share(long done, long total) {
            share(total <= 0 ? 0 : (double) done / total);
        }

        @Override
        public void share(double share) {
            progress = Math.clamp(share, 0, 1);
        }

        @Override
        public void detail(String text) {
            detail = text;
        }
    }

    void succeeded(@Nullable Object document, long micros) {
        result = document;
        progress = 1;
        endedMicros = micros;
        state = "succeeded";
    }

    void failed(Problem why, long micros) {
        problem = why;
        endedMicros = micros;
        state = "failed";
    }

    TaskRow row() {
        Object document = result;
        Problem why = problem;
        return new TaskRow(
                id,
                kind,
                subject,
                state,
                progress,
                detail,
                startedMicros,
                endedMicros,
                document == null ? null : Json.write(document),
                why == null ? null : Json.write(Problems.document(why)));
    }

    public TaskDocument document() {
        Long end = endedMicros;
        Problem why = problem;
        return new TaskDocument(
                id,
                kind,
                subject,
                state,
                progress,
                detail,
                Timestamps.iso(startedMicros),
                end == null ? null : Timestamps.iso(end),
                result,
                why == null ? null : Problems.document(why));
    }
}
