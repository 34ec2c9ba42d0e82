package dev.tidemark.execution;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The production scheduler: a fixed number of platform daemon threads for I/O, started when first
 * needed, and one timer thread that only hands over to them. Platform threads, since storage calls
 * would pin a virtual thread's carrier. What a task throws goes to the handler given, and the tasks
 * behind it run all the same. Thread-safe.
 */
public final class ThreadScheduler implements Scheduler, AutoCloseable {
    private static final long CLOSE_TIMEOUT_SECONDS = 30;

    private final Clock clock = Clock.systemUTC();
    private final ThreadPoolExecutor pool;
    private final ScheduledThreadPoolExecutor timer;
    private final Thread.UncaughtExceptionHandler failures;
    private final Executor io;

    /**
     * @param name prefix of the threads' names
     * @param ioThreads number of I/O threads, 1 or more
     * @param failures told what tasks throw, with the thread
     */
    public ThreadScheduler(String name, int ioThreads, Thread.UncaughtExceptionHandler failures) {
        if (ioThreads < 1) {
            throw new IllegalArgumentException("I/O threads " + ioThreads + " is below 1");
        }
        this.failures = failures;
        pool =
                new ThreadPoolExecutor(
                        ioThreads,
                        ioThreads,
                        10,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        threads(name + "-io-"));
        pool.allowCoreThreadTimeOut(true);
        timer = new ScheduledThreadPoolExecutor(1, threads(name + "-timer-"));
        timer.setRemoveOnCancelPolicy(true);
        timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        io = task -> pool.execute(guarded(task));
    }

    private static ThreadFactory threads(String prefix) {
        return Thread.ofPlatform().daemon().name(prefix, 1).factory();
    }

    @Override
    public long wallClockMicros() {
        Instant now = clock.instant();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public Executor io() {
        return io;
    }

    @Override
    public Executor newSerial(String name) {
        return new Serial(name);
    }

    @Override
    public Cancellable schedule(long delayNanos, Runnable task) {
        Timed timed = new Timed(task);
        try {
            var waiting =
                    timer.schedule(timed::handOver, Math.max(0, delayNanos), TimeUnit.NANOSECONDS);
            return () -> {
                timed.cancel();
                waiting.cancel(false);
            };
        } catch (RejectedExecutionException closed) {
            throw new RejectedExecutionException("the scheduler is closed", closed);
        }
    }

    /**
     * Drops what is scheduled, lets what was handed over finish, for half a minute at most, and
     * refuses everything later.
     */
    @Override
    public void close() {
        timer.shutdownNow();
        pool.shutdown();
        try {
            if (!pool.awaitTermination(CLOSE_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                failures.uncaughtException(
                        Thread.currentThread(),
                        new IllegalStateException(
                                "I/O tasks still run " + CLOSE_TIMEOUT_SECONDS + " s after close"));
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Tasks handed over that wait for a thread. */
    int waitingCount() {
        return pool.getQueue().size();
    }

    private Runnable guarded(Runnable task) {
        return () -> runGuarded(task);
    }

    private void runGuarded(Runnable task) {
        try {
            task.run();
        } catch (Throwable thrown) {
            failures.uncaughtException(Thread.currentThread(), thrown);
        }
    }

    /** A task on its way: whoever moves the state from WAITING first decides. */
    private final class Timed {
        private static final int WAITING = 0;
        private static final int STARTED = 1;
        private static final int CANCELLED = 2;

        private final Runnable task;
        private final AtomicInteger state = new AtomicInteger(WAITING);

        Timed(Runnable task) {
            this.task = task;
        }

        void handOver() {
            try {
                io.execute(this::start);
            } catch (RejectedExecutionException closed) {
                cancel();
            }
        }

        private void start() {
            if (state.compareAndSet(WAITING, STARTED)) {
                task.run();
            }
        }

        void cancel() {
            state.compareAndSet(WAITING, CANCELLED);
        }
    }

    /**
     * Runs its tasks in order, on one pool thread at a time; a run yields the thread after {@link
     * #TURN} tasks.
     */
    private final class Serial implements Executor {
        private static final int TURN = 64;

        private final String name;
        private final Queue<Runnable> waiting = new ArrayDeque<>(); // guarded by itself
        private boolean running; // guarded by waiting

        Serial(String name) {
            this.name = name;
        }

        @Override
        public void execute(Runnable task) {
            synchronized (waiting) {
                waiting.add(task);
                if (running) {
                    return;
                }
                running = true;
            }
            handOver();
        }

        private void handOver() {
            try {
                pool.execute(this::run);
            } catch (RejectedExecutionException closed) {
                synchronized (waiting) {
                    running = false;
                    waiting.clear();
                }
                throw new RejectedExecutionException(
                        "the scheduler of " + name + " is closed", closed);
            }
        }

        private void run() {
            boolean more = runTurn();
            while (more) {
                try {
                    pool.execute(this::run);
                    return;
                } catch (RejectedExecutionException closing) {
                    more = runTurn(); // what was handed over before close() finishes here
                }
            }
        }

        /** Returns whether tasks are left. */
        private boolean runTurn() {
            for (int i = 0; i < TURN; i++) {
                Runnable task;
                synchronized (waiting) {
                    task = waiting.poll();
                    if (task == null) {
                        running = false;
                        return false;
                    }
                }
                runGuarded(task);
            }
            return true;
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
