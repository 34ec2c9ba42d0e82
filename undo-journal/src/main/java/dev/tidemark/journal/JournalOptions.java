package dev.tidemark.journal;

/**
 * Shape of a journal.
 *
 * @param unitBytes size of a storage unit, 1 MiB to 1 GiB, a multiple of 4096
 * @param historyWindowMicros how far back checkpoints reach
 * @param historyBytes most bytes of redo and undo segments; the older history goes when over
 * @param fineWindowMicros how far back every single write is addressable
 */
public record JournalOptions(
        int unitBytes, long historyWindowMicros, long historyBytes, long fineWindowMicros) {
    private static final long MINUTE_MICROS = 60_000_000L;

    /** 64 MiB units, a day of history without a byte limit, ten fine minutes. */
    public static final JournalOptions DEFAULT =
            new JournalOptions(
                    RecordLogOptions.DEFAULT_UNIT_BYTES,
                    24 * 60 * MINUTE_MICROS,
                    Long.MAX_VALUE,
                    10 * MINUTE_MICROS);

    public JournalOptions withUnitBytes(int bytes) {
        return new JournalOptions(bytes, historyWindowMicros, historyBytes, fineWindowMicros);
    }
}
