package dev.tidemark.journal;

/**
 * Where a new journal begins: the state that its first record changes.
 *
 * @param sequence of the last record that is part of that state; the first record is the next
 * @param timeMicros of that record, microseconds since 1970
 * @param epoch in force
 */
public record JournalStart(long sequence, long timeMicros, int epoch) {
    public JournalStart {
        if (sequence < 0 || timeMicros < 0 || epoch < 1) {
            throw new IllegalArgumentException(
                    "a journal cannot begin at sequence number "
                            + sequence
                            + ", time "
                            + timeMicros
                            + ", epoch "
                            + epoch);
        }
    }

    /** An empty past. */
    static JournalStart at(long nowMicros) {
        return new JournalStart(0, nowMicros, 1);
    }
}
