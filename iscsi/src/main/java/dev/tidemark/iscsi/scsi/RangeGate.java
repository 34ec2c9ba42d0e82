package dev.tidemark.iscsi.scsi;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Keeps changes of overlapping ranges apart where a command must be atomic (COMPARE AND WRITE,
 * ORWRITE): such a command holds its range alone, plain writes share. Holds are granted in the
 * order they were asked for among those that overlap. Thread-safe; nothing is called under its
 * lock.
 */
final class RangeGate {
    /** A wish for a range, and what to do once it is granted. */
    abstract static class Hold {
        private final long startBytes;
        private final long endBytes;
        private final boolean alone;

        Hold(long offsetBytes, long lengthBytes, boolean alone) {
            this.startBytes = offsetBytes;
            this.endBytes = offsetBytes + lengthBytes;
            this.alone = alone;
        }

        /** The range is held; called on the asking or on a releasing thread. */
        abstract void granted();

        /** After {@link #granted} when that came later than the turn in which it was asked for. */
        abstract void submit();

        private boolean conflicts(Hold other) {
            return (alone || other.alone)
                    && startBytes < other.endBytes
                    && other.startBytes < endBytes;
        }
    }

    private final ArrayList<Hold> held = new ArrayList<>(); // guarded by this, like all below
    private final ArrayDeque<Hold> waiting = new ArrayDeque<>();
    private int aloneCount;

    void acquire(Hold hold) {
        synchronized (this) {
            if (hold.alone) {
                aloneCount++;
            }
            if (aloneCount > 0 && blocked(hold, waiting)) {
                waiting.add(hold);
                return;
            }
            held.add(hold);
        }
        hold.granted();
    }

    void release(Hold hold) {
        List<Hold> next = List.of();
        synchronized (this) {
            held.remove(hold);
            if (hold.alone) {
                aloneCount--;
            }
            if (!waiting.isEmpty()) {
                next = takeUnblocked();
            }
        }
        for (Hold granted : next) {
            granted.granted();
            granted.submit();
        }
    }

    private List<Hold> takeUnblocked() {
        List<Hold> free = new ArrayList<>();
        List<Hold> earlier = new ArrayList<>();
        for (Iterator<Hold> each = waiting.iterator(); each.hasNext(); ) {
            Hold hold = each.next();
            if (blocked(hold, earlier)) {
                earlier.add(hold);
            } else {
                each.remove();
                held.add(hold);
                free.add(hold);
            }
        }
        return free;
    }

    private boolean blocked(Hold hold, Iterable<Hold> before) {
        for (Hold other : held) {
            if (hold.conflicts(other)) {
                return true;
            }
        }
        for (Hold other : before) {
            if (hold.conflicts(other)) {
                return true;
            }
        }
        return false;
    }
}
