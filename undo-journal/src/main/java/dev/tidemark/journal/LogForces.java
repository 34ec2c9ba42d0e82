package dev.tidemark.journal;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.execution.Scheduler;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Forces a log to stable storage: one force at a time, which serves everyone whose records were
 * written before it began. A force that failed is final. Thread-safe, but for what says that it is
 * called under the log's lock.
 */
final class LogForces {
    private final LogState state;
    private final LogTail tail;
    private final Counters counters;
    private final RecordLog.Observer observer;
    private final WrittenGround ground;
    private final Consumer<JournalException> onFailure;
    private final Executor executor;

    /** Taken before the log's lock: one force at a time. */
    private final ReentrantLock forcing = new ReentrantLock();

    private final GroupCommit commit = new GroupCommit(); // guarded by the log's lock
    private volatile long durableSequence;

    /** Newest segment of which somebody knows that it has a forced record. Guarded by forcing. */
    private long knownSegment;

    /**
     * @param onFailure told outside every lock when a force failed
     */
    LogForces(
            LogState state,
            LogTail tail,
            Scheduler scheduler,
            Counters counters,
            RecordLog.Observer observer,
            WrittenGround ground,
            Consumer<JournalException> onFailure) {
        this.state = state;
        this.tail = tail;
        this.counters = counters;
        this.observer = observer;
        this.ground = ground;
        this.onFailure = onFailure;
        this.executor = scheduler.newSerial("force");
        this.durableSequence = tail.lastSequence();
        commit.wrote(tail.current());
    }

    /** Highest sequence number known to be on stable storage. */
    long durableSequence() {
        return durableSequence;
    }

    /** The log goes on in this segment. Under the log's lock. */
    void wrote(Segment segment) {
        commit.wrote(segment);
    }

    /** What is in this segment matters no more. Under the log's lock. */
    void forget(Segment segment) {
        commit.forget(segment);
    }

    /** A record that is appended ends when it is forced. Under the log's lock. */
    void await(PendingRecord appended) {
        commit.add(appended);
    }

    /** Completes once every record appended before this call is on stable storage. */
    void force(Completion done) {
        boolean failed;
        state.lock.lock();
        try {
            failed = state.hasFailed();
            if (!failed && durableSequence < tail.lastSequence()) {
                commit.add(tail.lastSequence(), done);
                start();
                return;
            }
        } finally {
            state.lock.unlock();
        }
        if (failed) {
            done.failed(state.refusal());
        } else {
            done.succeeded();
        }
    }

    /** Begins a force if somebody waits for one. Under the log's lock. */
    void start() {
        if (state.isOpen() && commit.schedule()) {
            executor.execute(this::task);
        }
    }

    private void task() {
        @Nullable JournalException failed = null;
        forcing.lock();
        try {
            if (state.isOpen()) {
                once();
            }
        } catch (JournalException failure) {
            failed = failure;
        } finally {
            forcing.unlock();
        }
        if (failed != null) {
            onFailure.accept(failed);
        }
        state.lock.lock();
        try {
            commit.unschedule();
            start();
        } finally {
            state.lock.unlock();
        }
    }

    /** Returns once every record up to {@code sequence} is on stable storage. Blocking. */
    void forceNow(long sequence) throws JournalException {
        if (durableSequence >= sequence) {
            return;
        }
        assert sequence <= tail.lastSequence() : sequence + " is after " + tail.lastSequence();
        forcing.lock();
        try {
            if (durableSequence < sequence) {
                once();
            }
        } catch (JournalException failure) {
            onFailure.accept(failure);
            throw failure;
        } finally {
            forcing.unlock();
        }
    }

    /** A step that ends with a force of everything. */
    interface Last {
        /** False to leave the force out. */
        boolean run();
    }

    /** Runs a step while nothing else is forced, then forces once more. Blocking. */
    void last(Last step) throws JournalException {
        forcing.lock();
        try {
            if (step.run() && !state.hasFailed()) {
                once();
            }
        } finally {
            forcing.unlock();
        }
    }

    private void once() throws JournalException {
        GroupCommit.Round round;
        state.lock.lock();
        try {
            state.requireNotFailed();
            ground.forceBegins(commit.hasWaiters());
            round = commit.begin(tail.lastSequence(), tail.current());
        } finally {
            state.lock.unlock();
        }
        try {
            for (Segment segment : round.segments()) {
                counters.forces.increment();
                SegmentStore.force(segment);
            }
        } finally {
            round.segments().forEach(Segment::release);
        }
        tellFirst(round);
        List<Completion> flushed = new ArrayList<>();
        state.lock.lock();
        try {
            state.requireNotFailed();
            durableSequence = round.sequence();
            commit.succeeded(round, state.ended, flushed);
        } finally {
            state.unlockAndTell();
        }
        flushed.forEach(Completion::succeeded);
    }

    private void tellFirst(GroupCommit.Round round) throws JournalException {
        Segment current = round.current();
        if (current.number() <= knownSegment || round.sequence() < current.header().first()) {
            return;
        }
        try {
            observer.forcedFirst(round.sequence());
            knownSegment = current.number();
        } catch (JournalException failure) {
            if (failure.kind() == JournalException.Kind.FAILED) {
                throw failure;
            }
            // The records are safe; the next force says so again.
        }
    }

    /** Nothing that waits will ever be stable; returns the flushes among it. Under the lock. */
    List<Completion> failed(BlockDeviceException failure) {
        return commit.failed(failure, state.ended);
    }
}
