package dev.tidemark.replica.ship;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Who waits for a copy to have a record on its disk. Thread-safe. A future is completed on the
 * thread that tells, and forgotten when it has ended in whatever way: who gives up cancels it.
 */
final class Awaited {
    private record Waiting(long sequence, CompletableFuture<Void> reached) {}

    private final List<Waiting> waiting = new CopyOnWriteArrayList<>();

    /** Completes with the next {@link #reached} of at least that number, the source's. */
    CompletableFuture<Void> until(long sequence) {
        Waiting one = new Waiting(sequence, new CompletableFuture<>());
        waiting.add(one);
        var _ = one.reached().whenComplete((nothing, failure) -> waiting.remove(one));
        return one.reached();
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    /** The copy has everything up to that number. */
    void reached(long sequence) {
        for (Waiting one : waiting) {
            if (one.sequence() <= sequence) {
                one.reached().complete(null);
            }
        }
    }
}
