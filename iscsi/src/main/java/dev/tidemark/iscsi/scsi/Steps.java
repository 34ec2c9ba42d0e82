package dev.tidemark.iscsi.scsi;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * One step after another of a long command, each begun by the end of the one before it. A device
 * may end a request before its method returns; such a step is run in a loop and not within the one
 * before it, so that the stack stays flat however many there are. At most one step is due at a
 * time; any thread may make it due.
 */
final class Steps {
    private final Runnable step;
    private final AtomicInteger due = new AtomicInteger();

    Steps(Runnable step) {
        this.step = step;
    }

    /** Makes the next step due: it runs at once, or as soon as the one at work has returned. */
    void next() {
        if (due.getAndIncrement() > 0) {
            return;
        }
        do {
            step.run();
        } while (due.decrementAndGet() > 0);
    }
}
