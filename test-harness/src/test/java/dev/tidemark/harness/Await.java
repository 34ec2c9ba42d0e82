package dev.tidemark.harness;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Waits for conditions that nobody announces: looks again and again, up to a limit. */
final class Await {
    private static final Duration PAUSE = Duration.ofMillis(10);

    private Await() {}

    /** Something that becomes true. */
    interface Condition {
        boolean met() throws Exception;
    }

    /** Fails when the condition is not met in time; the sentence completes "waited for ...". */
    static void until(String what, Duration limit, Condition condition) throws Exception {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!condition.met()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("waited %s for %s".formatted(limit, what));
            }
            LockSupport.parkNanos(PAUSE.toNanos());
        }
    }
}
