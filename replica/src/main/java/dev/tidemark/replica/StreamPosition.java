package dev.tidemark.replica;

/**
 * A place in a group's order: a record, as two sites compare it.
 *
 * @param sequence the source's number of the record; -1 when the source has none
 * @param timeMicros when it was written
 * @param epoch it was written in
 */
public record StreamPosition(long sequence, long timeMicros, int epoch) {
    /** Of a copy whose last record is none that its source is known to have. */
    static final StreamPosition UNKNOWN = new StreamPosition(Role.UNKNOWN, 0, 0);

    /** The end of the year 9999: what lies behind it has no date. */
    private static final long LAST_MICROS = 253_402_300_799_999_999L;

    /** Numbers are added to it. */
    private static final long LAST_SEQUENCE = 1L << 62;

    /** Whether a site can be at that record, as another one says. */
    public boolean isBelievable() {
        return sequence >= 0 && sequence <= LAST_SEQUENCE && isBelievable(timeMicros, epoch);
    }

    /** Whether a site can have made a record then, as another one says. */
    static boolean isBelievable(long timeMicros, int epoch) {
        return timeMicros >= 0
                && timeMicros <= LAST_MICROS
                && epoch >= 1
                && epoch >> Role.TENURE_SHIFT <= Role.BELIEVED_TENURE;
    }

    /** Whether it is a record at all. */
    public boolean isKnown() {
        return sequence >= 0;
    }

    /**
     * Whether a copy's last record is this one. A time or an epoch of 0 is one that this site does
     * not know any more.
     *
     * @param copy what the copy says of the record of the same number
     * @param floorMicros no record of the copy's is older, whatever its source says
     */
    public boolean isSameAs(StreamPosition copy, long floorMicros) {
        // Where a copy begins after a break, its last record is its own: it says nothing of this.
        boolean begins = floorMicros != 0 && copy.timeMicros() == floorMicros;
        boolean time = timeMicros == 0 || copy.timeMicros() == Math.max(timeMicros, floorMicros);
        boolean unknown = epoch == 0 || copy.epoch() == 0;
        return begins || (time && (unknown || copy.epoch() >= epoch));
    }
}
