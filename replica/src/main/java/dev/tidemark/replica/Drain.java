package dev.tidemark.replica;

import dev.tidemark.journal.JournalException;
import java.util.concurrent.CompletableFuture;

/**
 * Brings a group to rest: nothing is accepted, everything is checkpointed and folded, gold is the
 * disk.
 */
final class Drain implements Fold.FoldGuard {
    static final String CLEAN = "clean";

    private final Engine engine;
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private volatile boolean started;

    Drain(Engine engine) {
        this.engine = engine;
    }

    CompletableFuture<Void> start() {
        engine.health.startClosing();
        started = true;
        engine.checkpoints.stop();
        checkpoint();
        return done;
    }

    private void checkpoint() {
        var _ =
                engine.checkpoints
                        .last()
                        .whenComplete((nothing, failure) -> {
                            if (failure != null) {
                                done.completeExceptionally(Failures.replica(failure));
                            } else {
                                engine.maintenance.execute(this::look);
                            }
                        });
    }

    @Override
    public void before(Layer layer) {}

    @Override
    public void folded() {
        if (started) {
            look();
        }
    }

    @Override
    public void stalled(String reason) {
        if (started) {
            done.completeExceptionally(
                    new ReplicaException(
                            ReplicaException.Kind.NO_SPACE,
                            "not everything could be folded into gold: "
                                    + reason
                                    + "; nothing is lost, the rest is in the journal"));
        }
    }

    private void look() {
        String stall = engine.health.stallReason();
        if (stall != null) {
            stalled(stall);
        }
        if (done.isDone() || engine.head.oldestSealed() != null) {
            return;
        }
        if (!engine.head.isNewestEmpty() || engine.throttle.waitingCount() > 0) {
            checkpoint();
            return;
        }
        try {
            // Forced, and with it the fold's last edit.
            engine.journal.putAttribute(CLEAN, new byte[] {1}, true);
            done.complete(null);
        } catch (JournalException failure) {
            done.completeExceptionally(Failures.replica(failure));
        }
    }
}
