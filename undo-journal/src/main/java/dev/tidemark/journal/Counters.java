package dev.tidemark.journal;

import java.util.concurrent.atomic.LongAdder;

/** The live counters behind {@link JournalCounters}. Thread-safe. */
final class Counters {
    final LongAdder appendedRecords = new LongAdder();
    final LongAdder appendedBytes = new LongAdder();
    final LongAdder gatheredWrites = new LongAdder();
    final LongAdder forces = new LongAdder();
    final LongAdder manifestEdits = new LongAdder();
    final LongAdder manifestForces = new LongAdder();
    final LongAdder undoRuns = new LongAdder();
    final LongAdder undoBytes = new LongAdder();
    final LongAdder indexBytes = new LongAdder();
    final LongAdder merges = new LongAdder();
    final LongAdder createdUnits = new LongAdder();
    final LongAdder freedUnits = new LongAdder();

    JournalCounters snapshot() {
        return new JournalCounters(
                appendedRecords.sum(),
                appendedBytes.sum(),
                gatheredWrites.sum(),
                forces.sum(),
                manifestEdits.sum(),
                manifestForces.sum(),
                undoRuns.sum(),
                undoBytes.sum(),
                indexBytes.sum(),
                merges.sum(),
                createdUnits.sum(),
                freedUnits.sum());
    }
}
