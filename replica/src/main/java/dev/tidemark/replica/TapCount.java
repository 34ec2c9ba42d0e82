package dev.tidemark.replica;

/**
 * What taps of a group have given out since it was opened. With several, a record counts when the
 * first one has given it out, and as dropped for each that left it out. Thread-safe.
 */
final class TapCount {
    private long highest; // guarded by this
    private long records; // guarded by this
    private long bytes; // guarded by this
    private long dropped; // guarded by this

    synchronized void gave(TappedBatch batch) {
        for (TappedRecord record : batch.records()) {
            if (record.counts() && record.sequence() > highest) {
                highest = record.sequence();
                records++;
                bytes += record.lengthBytes();
            }
        }
    }

    synchronized void leftOut(long writes) {
        dropped += writes;
    }

    synchronized CopyCounters counters() {
        return new CopyCounters(records, bytes, dropped);
    }
}
