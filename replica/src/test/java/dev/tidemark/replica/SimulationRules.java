package dev.tidemark.replica;

import dev.tidemark.journal.PendingRecord;
import org.jspecify.annotations.Nullable;

/** The safe rules, watched by a model. A broken variant overrides one. */
class SimulationRules extends Rules {
    private @Nullable GroupModel model;
    private Runnable meanwhile = () -> {};

    void watch(GroupModel watching) {
        model = watching;
    }

    /** What may happen between two steps of a read: other threads' work. */
    void interleave(Runnable others) {
        meanwhile = others;
    }

    @Override
    final void viewLookedUp() {
        meanwhile.run();
    }

    @Override
    final void viewReadGold() {
        meanwhile.run();
    }

    void watchNothing() {
        model = null;
    }

    @Override
    final void appended(PendingRecord record) {
        GroupModel watching = model;
        if (watching != null) {
            watching.appended(record);
        }
    }
}
