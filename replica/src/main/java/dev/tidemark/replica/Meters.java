package dev.tidemark.replica;

import java.util.concurrent.atomic.LongAdder;

/** The live counters behind {@link GroupCounters}. Thread-safe. */
final class Meters {
    final LongAdder folds = new LongAdder();
    final LongAdder foldedBytes = new LongAdder();
    final LongAdder beforeImageBytes = new LongAdder();
    final LongAdder goldBytes = new LongAdder();
    final LongAdder viewReads = new LongAdder();
    final LongAdder viewReadBytes = new LongAdder();
    final LongAdder writeLogBytes = new LongAdder();
    final LongAdder promotedBytes = new LongAdder();
}
