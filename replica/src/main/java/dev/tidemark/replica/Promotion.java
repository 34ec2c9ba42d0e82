package dev.tidemark.replica;

import dev.tidemark.journal.Point;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One rollback or promotion: what its starter holds, and how far it is. */
final class Promotion implements PromotionTask {
    private final @Nullable UUID image;
    private final CompletableFuture<Point> point = new CompletableFuture<>();
    private final CompletableFuture<Void> usable = new CompletableFuture<>();
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private volatile double progress;

    Promotion(@Nullable UUID image) {
        this.image = image;
    }

    @Override
    public CompletableFuture<Point> point() {
        return point;
    }

    @Override
    public @Nullable UUID image() {
        return image;
    }

    @Override
    public CompletableFuture<Void> usable() {
        return usable;
    }

    @Override
    public double progress() {
        return progress;
    }

    @Override
    public CompletableFuture<Void> done() {
        return done;
    }

    void progressed(long doneBytes, long totalBytes) {
        progress = totalBytes == 0 ? 1 : Math.min(1, (double) doneBytes / totalBytes);
    }

    void fail(Throwable failure) {
        ReplicaException cause = Failures.replica(failure);
        point.completeExceptionally(cause);
        usable.completeExceptionally(cause);
        done.completeExceptionally(cause);
    }

    void end() {
        progress = 1;
        done.complete(null);
    }
}
