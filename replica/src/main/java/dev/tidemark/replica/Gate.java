package dev.tidemark.replica;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts users of something that is to be closed, and runs the closing action once, after the last
 * has left. Thread-safe; never waits.
 */
final class Gate {
    /** Added to the count of users by closing. */
    private static final int CLOSED = 1 << 30;

    private final AtomicInteger users = new AtomicInteger();
    private final AtomicBoolean ended = new AtomicBoolean();
    private final Runnable last;

    Gate(Runnable last) {
        this.last = last;
    }

    /** False once closed; true must be followed by {@link #exit}. */
    boolean enter() {
        if (users.incrementAndGet() < CLOSED) {
            return true;
        }
        exit();
        return false;
    }

    void exit() {
        if (users.decrementAndGet() == CLOSED && ended.compareAndSet(false, true)) {
            last.run();
        }
    }

    /** Lets nobody in any more; the action runs here or when the last user leaves. Idempotent. */
    void close() {
        int count = users.get();
        while (count < CLOSED) {
            if (users.compareAndSet(count, count + CLOSED + 1)) {
                exit();
                return;
            }
            count = users.get();
        }
    }

    boolean isClosed() {
        return users.get() >= CLOSED;
    }
}
