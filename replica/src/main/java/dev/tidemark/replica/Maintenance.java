package dev.tidemark.replica;

import dev.tidemark.execution.Scheduler;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The group's one serial executor: fold, opening of views, start and stop of images, changes of
 * volumes, promotion. Its tasks wait for disks, never for other tasks. Nothing runs once it is
 * closed; closing waits for the task that runs now, on another thread, to end.
 */
final class Maintenance {
    private final Executor serial;
    private final Health health;
    private final ReentrantLock running = new ReentrantLock();
    private boolean closed; // guarded by running

    Maintenance(Scheduler scheduler, String name, Health health) {
        this.serial = scheduler.newSerial(name);
        this.health = health;
    }

    /**
     * Runs a task later; it is dropped when the group is closed before. What it throws is a bug,
     * and fails the group.
     */
    void execute(Runnable task) {
        serial.execute(() -> {
            running.lock();
            try {
                if (!closed) {
                    task.run();
                }
            } catch (RuntimeException | Error bug) {
                health.fail("defect in the gateway: " + bug);
                throw bug;
            } finally {
                running.unlock();
            }
        });
    }

    /** Runs a task later; the future fails with a {@link ReplicaException}. */
    <T> CompletableFuture<T> submit(Callable<T> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        serial.execute(() -> runInto(result, task));
        return result;
    }

    /** The result is told outside the lock. */
    private <T> void runInto(CompletableFuture<T> result, Callable<T> task) {
        try {
            T value = run(task);
            result.complete(value);
        } catch (RuntimeException | Error bug) {
            result.completeExceptionally(Failures.replica(bug));
            throw bug;
        } catch (Exception failure) {
            result.completeExceptionally(Failures.replica(failure));
        }
    }

    private <T> T run(Callable<T> task) throws Exception {
        running.lock();
        try {
            if (closed) {
                throw new ReplicaException(
                        ReplicaException.Kind.FAILED, "the group is closed; open it again");
            }
            return task.call();
        } finally {
            running.unlock();
        }
    }

    /** Runs {@code last} on this thread once no task runs; no task runs after it. Idempotent. */
    void close(Runnable last) {
        running.lock();
        try {
            if (!closed) {
                closed = true;
                last.run();
            }
        } finally {
            running.unlock();
        }
    }
}
