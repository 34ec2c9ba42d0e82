package dev.tidemark.execution.simulation;

import dev.tidemark.execution.Scheduler;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A scheduler on a virtual clock whose one queue is drawn from at random: any ready task may run
 * next, but each serial executor's stay in order. Time passes only in {@link #runFor} and {@link
 * #runToNextTimer}; there, timers may overtake tasks that wait, as on a busy machine. What a task
 * throws comes out of the call that ran it. Deterministic: the same seed and the same calls give
 * the same order. Tasks may be handed over from any thread, but then the order is the threads'; run
 * it on one.
 */
public final class SimulatedScheduler implements Scheduler {
    private static final long START_MICROS = 1_750_000_000_000_000L;

    private final Random random;
    private final List<Runnable> ready = new ArrayList<>();
    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(
                    Comparator.comparingLong(Timer::dueNanos).thenComparingLong(Timer::number));
    private final Executor io = this::enqueue;
    private long nowNanos = 1;
    private long wallClockOffsetMicros = START_MICROS;
    private long timerCount;

    /** Serial executors of an earlier life drop what they are given. */
    private int life;

    public SimulatedScheduler(long seed) {
        this(new Random(seed));
    }

    public SimulatedScheduler(Random random) {
        this.random = random;
    }

    @Override
    public synchronized long wallClockMicros() {
        return wallClockOffsetMicros + TimeUnit.NANOSECONDS.toMicros(nowNanos);
    }

    @Override
    public synchronized long nanoTime() {
        return nowNanos;
    }

    /** Makes the wall clock jump, backwards too; {@link #nanoTime} and timers do not notice. */
    public synchronized void jumpWallClock(long micros) {
        wallClockOffsetMicros += micros;
    }

    @Override
    public Executor io() {
        return io;
    }

    private synchronized void enqueue(Runnable task) {
        ready.add(task);
    }

    @Override
    public synchronized Executor newSerial(String name) {
        return new Serial(name, life);
    }

    @Override
    public synchronized Cancellable schedule(long delayNanos, Runnable task) {
        long due = nowNanos + Math.max(0, delayNanos);
        Timer timer = new Timer(this, due < 0 ? Long.MAX_VALUE : due, timerCount++, task);
        if (delayNanos <= 0) {
            ready.add(timer);
        } else {
            timers.add(timer);
        }
        return timer::cancel;
    }

    /**
     * Runs one ready task, drawn at random; returns false when there is none. Time does not pass.
     */
    public boolean step() {
        Runnable task = take();
        if (task == null) {
            return false;
        }
        task.run();
        return true;
    }

    private synchronized @Nullable Runnable take() {
        if (ready.isEmpty()) {
            return null;
        }
        int chosen = random.nextInt(ready.size());
        Runnable last = ready.removeLast();
        return chosen == ready.size() ? last : ready.set(chosen, last);
    }

    /** Runs until no task is ready. Time does not pass, so timers wait. */
    public void runUntilIdle() {
        while (step()) {
            // each step is the work
        }
    }

    /**
     * Lets {@code nanos} of virtual time pass: everything that becomes due runs, and everything
     * ready at the end.
     */
    public void runFor(long nanos) {
        long end = nanoTime() + nanos;
        while (hasReadyTasks() || nextDueNanos() <= end) {
            boolean overtake = nextDueNanos() <= end && chance();
            if (overtake || !step()) {
                advanceTo(Math.min(end, nextDueNanos()));
            }
        }
        advanceTo(end);
    }

    /**
     * Runs what is ready, then lets time pass up to the next timer and runs what that makes ready;
     * returns false when there is no timer.
     */
    public boolean runToNextTimer() {
        runUntilIdle();
        long due = nextDueNanos();
        if (due == Long.MAX_VALUE) {
            return false;
        }
        advanceTo(due);
        runUntilIdle();
        return true;
    }

    private synchronized boolean chance() {
        return random.nextInt(8) == 0;
    }

    private synchronized boolean hasReadyTasks() {
        return !ready.isEmpty();
    }

    private synchronized long nextDueNanos() {
        Timer next = timers.peek();
        return next == null ? Long.MAX_VALUE : next.dueNanos;
    }

    private synchronized void advanceTo(long nanos) {
        nowNanos = Math.max(nowNanos, nanos);
        while (!timers.isEmpty() && timers.peek().dueNanos <= nowNanos) {
            ready.add(timers.remove());
        }
    }

    /** Number of tasks ready to run, timers that wait not counted. */
    public synchronized int readyCount() {
        return ready.size();
    }

    /** Number of timers that wait. */
    public synchronized int timerCount() {
        return timers.size();
    }

    /**
     * The process dies: everything handed over or scheduled is dropped, and what its serial
     * executors are given later, too.
     */
    public synchronized void discardAll() {
        ready.clear();
        timers.clear();
        life++;
    }

    private static final class Timer implements Runnable {
        private final SimulatedScheduler owner;
        private final long dueNanos;
        private final long number;
        private final Runnable task;
        private boolean done; // guarded by the owner

        Timer(SimulatedScheduler owner, long dueNanos, long number, Runnable task) {
            this.owner = owner;
            this.dueNanos = dueNanos;
            this.number = number;
            this.task = task;
        }

        long dueNanos() {
            return dueNanos;
        }

        long number() {
            return number;
        }

        @Override
        public void run() {
            synchronized (owner) {
                if (done) {
                    return;
                }
                done = true;
            }
            task.run();
        }

        void cancel() {
            synchronized (owner) {
                done = true;
                owner.timers.remove(this);
                owner.ready.remove(this);
            }
        }
    }

    /** In the queue at most once; runs one task per turn. */
    private final class Serial implements Executor {
        private final String name;
        private final int bornIn;
        private final Queue<Runnable> waiting = new ArrayDeque<>();
        private boolean queued;

        Serial(String name, int bornIn) {
            this.name = name;
            this.bornIn = bornIn;
        }

        @Override
        public void execute(Runnable task) {
            synchronized (SimulatedScheduler.this) {
                if (bornIn != life) {
                    return;
                }
                waiting.add(task);
                if (!queued) {
                    queued = true;
                    ready.add(this::runOne);
                }
            }
        }

        private void runOne() {
            Runnable task;
            synchronized (SimulatedScheduler.this) {
                task = waiting.remove();
            }
            try {
                task.run();
            } finally {
                synchronized (SimulatedScheduler.this) {
                    queued = !waiting.isEmpty() && bornIn == life;
                    if (queued) {
                        ready.add(this::runOne);
                    }
                }
            }
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
