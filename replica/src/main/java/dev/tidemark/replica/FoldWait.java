package dev.tidemark.replica;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Waits for a fold that is behind, for whoever puts another site's records into the log: one wait
 * at a time. Thread-safe.
 */
final class FoldWait {
    private final Engine engine;
    private volatile @Nullable CompletableFuture<Void> waiting;
    private volatile boolean ended;

    FoldWait(Engine engine) {
        this.engine = engine;
    }

    /** Completes, on an I/O thread, when the fold has caught up or this has ended. */
    CompletableFuture<Void> opened() {
        CompletableFuture<Void> opened = engine.throttle.opened();
        waiting = opened;
        if (ended) {
            opened.complete(null);
        }
        return opened.thenRunAsync(() -> {}, engine.scheduler.io());
    }

    /** Whether somebody waits now. */
    boolean isWaiting() {
        CompletableFuture<Void> opened = waiting;
        return opened != null && !opened.isDone();
    }

    /** Nobody waits any more. */
    void end() {
        ended = true;
        CompletableFuture<Void> opened = waiting;
        if (opened != null) {
            opened.complete(null);
        }
    }
}
