package dev.tidemark.replica;

import dev.tidemark.journal.PendingRecord;
import org.jspecify.annotations.Nullable;

/** The safe rules, watched by a model. A broken variant overrides one. */
class SimulationRules extends Rules {
    private @Nullable GroupModel model;

    void watch(GroupModel watching) {
        model = watching;
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
