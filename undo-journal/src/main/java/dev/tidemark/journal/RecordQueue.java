package dev.tidemark.journal;

import dev.tidemark.blockdevice.BlockDeviceException;
import org.jspecify.annotations.Nullable;

/** Records linked through themselves, first in, first out. Guarded by its owner's lock. */
final class RecordQueue {
    private @Nullable PendingRecord head;
    private @Nullable PendingRecord tail;

    boolean isEmpty() {
        return head == null;
    }

    @Nullable PendingRecord peek() {
        return head;
    }

    void add(PendingRecord record) {
        record.next = null;
        if (tail == null) {
            head = record;
        } else {
            tail.next = record;
        }
        tail = record;
    }

    @Nullable PendingRecord poll() {
        PendingRecord first = head;
        if (first != null) {
            head = first.next;
            first.next = null;
            if (head == null) {
                tail = null;
            }
        }
        return first;
    }

    /** Moves everything to the end of another queue, as failed when a failure is given. */
    void drainTo(RecordQueue target, @Nullable BlockDeviceException failure) {
        PendingRecord record = poll();
        while (record != null) {
            record.failure = failure;
            target.add(record);
            record = poll();
        }
    }

    /** Unlinks everything, so that it can be ended without the lock. */
    @Nullable PendingRecord take() {
        PendingRecord first = head;
        head = null;
        tail = null;
        return first;
    }

    /** Tells each linked record how it ended. Outside every lock. */
    static void end(@Nullable PendingRecord first) {
        PendingRecord record = first;
        while (record != null) {
            PendingRecord following = record.next;
            record.next = null;
            BlockDeviceException failure = record.failure;
            if (failure == null) {
                record.completed();
            } else {
                record.failed(failure);
            }
            record = following;
        }
    }
}
