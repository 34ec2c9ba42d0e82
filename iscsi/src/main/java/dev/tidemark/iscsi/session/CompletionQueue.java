package dev.tidemark.iscsi.session;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Completed tasks on their way to the event loop: any thread puts, one takes. The links are in the
 * tasks.
 */
final class CompletionQueue {
    private final AtomicReference<@Nullable Task> newest = new AtomicReference<>();

    /** Returns whether the queue was empty, so that its owner must be woken. */
    boolean put(Task task) {
        while (true) {
            Task head = newest.get();
            task.next = head;
            if (newest.compareAndSet(head, task)) {
                return head == null;
            }
        }
    }

    /** Takes everything, as a chain in the order it was put. */
    @Nullable Task takeAll() {
        Task current = newest.getAndSet(null);
        Task oldest = null;
        while (current != null) {
            Task following = current.next;
            current.next = oldest;
            oldest = current;
            current = following;
        }
        return oldest;
    }
}
