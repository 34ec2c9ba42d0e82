package dev.tidemark.replica;

import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.PendingRecord;
import java.io.IOException;

/**
 * The order of steps that keeps data safe, each rule a method, so that a simulation can break one
 * and show that it is caught. Production uses {@link #SAFE}.
 */
class Rules {
    static final Rules SAFE = new Rules();

    /** Invariant 2, undo before gold; and redo is freed only after gold is forced. */
    void fold(FoldSteps steps) throws JournalException, IOException {
        steps.forceRedo();
        steps.saveBeforeImages();
        steps.publishRun();
        steps.overwriteGold();
        steps.forceGold();
        steps.recordGold();
    }

    /**
     * Invariant 1, acknowledged means journaled: true would answer writes before they are in the
     * log.
     */
    boolean acknowledgesBeforeAppend() {
        return false;
    }

    /** Invariant 5, index, gold, index again. */
    boolean looksAgainAfterGold() {
        return true;
    }

    /** Invariant 6, pinned history stays: false would open views without a pin. */
    boolean pinsViews() {
        return true;
    }

    /**
     * Invariant 3 across sites, prefix: true would ship records that the source can still lose with
     * its power.
     */
    boolean shipsUndurable() {
        return false;
    }

    /**
     * A write, zero, promotion's copy or mark has its place in the log: where a simulation notes
     * it. Under the redo log's lock.
     */
    void appended(PendingRecord record) {}

    /**
     * A view has looked into the index and is going to read gold: where a test puts a fold in
     * between.
     */
    void viewLookedUp() {}

    /** A view has read gold and is going to look into the index again. */
    void viewReadGold() {}

    /** A promotion has read what it is going to copy: where a test writes in between. */
    void copyRead() {}

    /** Whether a promotion may copy now: false makes it wait and ask again. */
    boolean mayCopy() {
        return true;
    }
}
