package dev.tidemark.replica;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Moves sealed layers into gold, the oldest first, one per task on the maintenance executor. Where
 * there is no room it stalls, says so, and tries again later; a failed force ends the group.
 */
final class Fold {
    /** Stalled for longer than this, hosts get NO_SPACE instead of waiting. */
    private static final long PATIENCE_NANOS = Duration.ofSeconds(10).toNanos();

    private final Journal journal;
    private final Head head;
    private final Throttle throttle;
    private final Health health;
    private final Rules rules;
    private final Meters meters;
    private final Maintenance maintenance;
    private final Scheduler scheduler;
    private final long retryNanos;
    private final FoldGuard guard;
    private @Nullable FoldSteps current;
    private boolean retryPending;
    private long stalledSinceNanos;
    private volatile Scheduler.@Nullable Cancellable retry;

    /** Asked before a layer is folded, and told after. */
    interface FoldGuard {
        void before(Layer layer) throws JournalException;

        void folded();

        void stalled(String reason);
    }

    Fold(
            Journal journal,
            Head head,
            Throttle throttle,
            Health health,
            Rules rules,
            Meters meters,
            Maintenance maintenance,
            Scheduler scheduler,
            Duration retryInterval,
            FoldGuard guard) {
        this.journal = journal;
        this.head = head;
        this.throttle = throttle;
        this.health = health;
        this.rules = rules;
        this.meters = meters;
        this.maintenance = maintenance;
        this.scheduler = scheduler;
        this.retryNanos = retryInterval.toNanos();
        this.guard = guard;
    }

    /** Asks for a fold; cheap, from any thread. */
    void request() {
        maintenance.execute(this::foldNext);
    }

    /** Folds the oldest sealed layer, if there is one. On the maintenance executor. */
    private void foldNext() {
        Layer layer = head.oldestSealed();
        if (layer == null || health.hasFailed() || retryPending) {
            return;
        }
        ByteBuf memory = PooledByteBufAllocator.DEFAULT.directBuffer(FoldSteps.BUFFER_BYTES);
        try {
            guard.before(layer);
            rules.fold(steps(layer, memory.nioBuffer(0, FoldSteps.BUFFER_BYTES)));
            folded(layer);
        } catch (JournalException failure) {
            failed(failure, failure.kind() == JournalException.Kind.FAILED);
        } catch (IOException failure) {
            failed(failure, failure instanceof FoldSteps.ForceFailure);
        } finally {
            memory.release();
        }
    }

    private FoldSteps steps(Layer layer, ByteBuffer buffer) {
        FoldSteps before = current;
        if (before != null && before.layer() == layer) {
            current = before.on(buffer);
            return current;
        }
        Layer.End end = Objects.requireNonNull(layer.end(), "the layer is open");
        Boundary boundary = end.boundary(journal.goldBoundary().run() + 1);
        current = new FoldSteps(journal, head.volumes(), meters, layer, boundary, buffer, false);
        return current;
    }

    private void folded(Layer layer) {
        current = null;
        meters.folds.increment();
        head.drop(layer);
        Layer.End end = Objects.requireNonNull(layer.end(), "the layer is open");
        journal.redo().uncache(layer.begin(), end.redo());
        health.resume();
        throttle.release(layer.chargedBytes());
        guard.folded();
        if (head.oldestSealed() != null) {
            request();
        }
    }

    private void failed(Exception failure, boolean finalFailure) {
        if (current != null) {
            current.abandon();
        }
        if (finalFailure || journal.failed()) {
            health.fail(Failures.message(failure));
            throttle.failWaiting(Failures.failed(failure));
            return;
        }
        long now = scheduler.nanoTime();
        if (health.stallReason() == null) {
            stalledSinceNanos = now;
        }
        health.stall(Failures.message(failure));
        guard.stalled(Failures.message(failure));
        if (now - stalledSinceNanos >= PATIENCE_NANOS) {
            throttle.giveUp();
        }
        retryPending = true;
        retry = scheduler.schedule(retryNanos, () -> maintenance.execute(this::retryNow));
    }

    private void retryNow() {
        retryPending = false;
        foldNext();
    }

    void stop() {
        Scheduler.Cancellable pending = retry;
        if (pending != null) {
            pending.cancel();
        }
    }
}
