package dev.tidemark.replica;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.journal.Checkpoint;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Makes checkpoints: tagged ones when asked, automatic ones an interval after the first write since
 * the last. An idle group has no timer. Thread-safe.
 */
final class Checkpoints {
    private final Scheduler scheduler;
    private final HeadLog log;
    private final Health health;
    private final Roles roles;
    private final AtomicBoolean armed = new AtomicBoolean();
    private volatile long intervalNanos;
    private volatile Scheduler.@Nullable Cancellable timer;

    /** Something was written since the last checkpoint. Guarded by the redo log's lock. */
    private boolean written;

    Checkpoints(Scheduler scheduler, HeadLog log, Health health, Roles roles, Duration interval) {
        this.scheduler = scheduler;
        this.log = log;
        this.health = health;
        this.roles = roles;
        this.intervalNanos = interval.toNanos();
    }

    /** Takes effect with the next interval. */
    void setInterval(Duration interval) {
        GroupOptions.checkInterval(interval);
        intervalNanos = interval.toNanos();
    }

    /** A write is in the log. Under the redo log's lock. */
    void written() {
        written = true;
        if (roles.isActive() && !armed.get() && armed.compareAndSet(false, true)) {
            timer = scheduler.schedule(intervalNanos, this::due);
        }
    }

    private void due() {
        armed.set(false);
        if (health.refusal() == null && roles.isActive()) {
            log.write(Mark.checkpoint(null, false, () -> written, this::appendedAutomatic));
        }
    }

    private void appendedAutomatic(Mark mark) {
        appended(mark, new Checkpoint(mark.sequence(), mark.timeMicros(), false, "", ""));
    }

    private void appended(Mark mark, Checkpoint checkpoint) {
        written = false;
        log.boundary(mark, checkpoint);
    }

    /** Makes a tagged checkpoint, durable when the future completes. */
    CompletableFuture<Checkpoint> add(String name, String description) {
        CompletableFuture<Checkpoint> result = new CompletableFuture<>();
        ByteBuf text;
        try {
            if (name.isBlank()) {
                throw new IllegalArgumentException("a tagged checkpoint needs a name");
            }
            text = Checkpoint.payload(name, description);
        } catch (IllegalArgumentException invalid) {
            result.completeExceptionally(
                    new ReplicaException(
                            ReplicaException.Kind.INVALID, Failures.message(invalid), invalid));
            return result;
        }
        Mark mark =
                Mark.checkpoint(
                        text,
                        true,
                        () -> true,
                        tagged -> appended(tagged, tagged(tagged, name, description)));
        log.write(mark);
        var _ =
                mark.done()
                        .whenComplete((nothing, failure) -> {
                            if (failure == null) {
                                result.complete(tagged(mark, name, description));
                            } else {
                                result.completeExceptionally(Failures.replica(failure));
                            }
                        });
        return result;
    }

    /**
     * The last record of a group that is handed over: whoever has it knows of all that came before,
     * volumes that nothing was written to included. Forced.
     */
    CompletableFuture<Void> handover() {
        Mark mark = Mark.checkpoint(null, true, () -> true, this::appendedAutomatic);
        log.write(mark);
        return mark.done();
    }

    /** The source's checkpoint, for its copy. */
    Mark ofSource(@Nullable ByteBuf text, int flags) {
        return Mark.checkpoint(
                text,
                false,
                () -> true,
                mark ->
                        appended(
                                mark,
                                Checkpoint.of(mark.sequence(), mark.timeMicros(), flags, text)));
    }

    private static Checkpoint tagged(Mark mark, String name, String description) {
        return new Checkpoint(mark.sequence(), mark.timeMicros(), true, name, description);
    }

    /**
     * Makes an automatic checkpoint at once when something is not in gold's next layers; forced. A
     * copy has only its source's: what is not in gold's next layers is cut off without one.
     */
    CompletableFuture<Void> last() {
        if (!roles.isActive()) {
            Mark cut = Mark.nothing(log::cut);
            log.write(cut);
            return cut.done();
        }
        Mark mark =
                Mark.checkpoint(
                        null,
                        true,
                        () -> written || !log.head().isNewestEmpty(),
                        this::appendedAutomatic);
        log.write(mark);
        return mark.done();
    }

    void stop() {
        Scheduler.Cancellable pending = timer;
        if (pending != null) {
            pending.cancel();
        }
    }
}
