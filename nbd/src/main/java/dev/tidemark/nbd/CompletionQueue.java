package dev.tidemark.nbd;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Completed requests on their way to the event loop: any thread puts, one takes. The links are in
 * the requests, so that nothing is allocated.
 */
final class CompletionQueue {
    private final AtomicReference<@Nullable PendingRequest> newest = new AtomicReference<>();

    /** Returns whether the queue was empty, so that its owner must be woken. */
    boolean put(PendingRequest request) {
        while (true) {
            PendingRequest head = newest.get();
            request.next = head;
            if (newest.compareAndSet(head, request)) {
                return head == null;
            }
        }
    }

    /** Takes everything, as a chain in the order it was put. */
    @Nullable PendingRequest takeAll() {
        PendingRequest current = newest.getAndSet(null);
        PendingRequest oldest = null;
        while (current != null) {
            PendingRequest following = current.next;
            current.next = oldest;
            oldest = current;
            current = following;
        }
        return oldest;
    }
}
