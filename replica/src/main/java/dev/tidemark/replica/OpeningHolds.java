package dev.tidemark.replica;

import dev.tidemark.journal.Journal;
import dev.tidemark.journal.RedoHold;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/**
 * Redo that copies are known to lack, kept from the moment a group is opened until whoever ships it
 * keeps it. Thread-safe.
 */
final class OpeningHolds {
    private final Journal journal;
    private final Map<UUID, RedoHold> holds = new HashMap<>();

    OpeningHolds(Journal journal) {
        this.journal = journal;
    }

    /** Before retention; what has gone already is not kept. */
    synchronized void take(Map<UUID, Long> copies) {
        copies.forEach((peer, sequence) -> {
            RedoHold hold = journal.holdRedo(sequence, () -> {});
            if (hold != null) {
                holds.put(peer, hold);
            }
        });
    }

    /** A peer's redo is kept by somebody else, or is not wanted. */
    synchronized void letGo(UUID peer) {
        RedoHold hold = holds.remove(peer);
        if (hold != null) {
            hold.close();
        }
    }
}
