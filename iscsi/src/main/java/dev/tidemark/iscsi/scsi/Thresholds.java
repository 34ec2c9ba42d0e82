package dev.tidemark.iscsi.scsi;

import java.nio.ByteBuffer;

/**
 * The logical block provisioning mode page (1Ch/02h): when sessions are to be told how full the
 * storage behind the unit is. Two soft thresholds, one that is reached from above and one from
 * below.
 *
 * <p>The page, after SBC-3's logical block provisioning mode page:
 *
 * <pre>
 *  offset size
 *       0    1  5Ch: page 1Ch with a subpage
 *       1    1  02h
 *       2    2  bytes that follow
 *       4    1  SITUA, bit 0: 0, every session is told
 *       5   11  reserved
 *      16    8  threshold of what is available
 *      24    8  threshold of what is used
 * </pre>
 *
 * <p>A threshold: byte 0 has ENABLED (bit 7), the type (0, soft) and the arming (001b as the count
 * grows, 010b as it falls); byte 1 the parameter of log page 0Ch that is looked at; bytes 4 to 7
 * the count, in {@link SpaceCounts}' unit.
 */
record Thresholds(Threshold available, Threshold used) {
    static final int AVAILABLE = 0x01;
    static final int USED = 0x02;

    private static final int PAGE_BYTES = 32;
    private static final int FIRST_AT = 16;
    private static final int SECOND_AT = 24;
    private static final int ENABLED = 0x80;
    private static final int ARMED_INCREASING = 0x01;
    private static final int ARMED_DECREASING = 0x02;

    /** Of the whole, what is still available when the default threshold is reached. */
    private static final int DEFAULT_PERCENT = 10;

    /** A count has to go back by this part of its threshold before it can be reached again. */
    private static final int HYSTERESIS_DIVISOR = 16;

    /** Without a page. */
    static final Thresholds NONE = new Thresholds(Threshold.OFF, Threshold.OFF);

    /**
     * One of the two.
     *
     * @param count 32 bits, unsigned
     */
    record Threshold(boolean enabled, long count) {
        static final Threshold OFF = new Threshold(false, 0);

        private long back() {
            return count / HYSTERESIS_DIVISOR;
        }
    }

    /** Tells when a tenth of the whole is left. */
    static Thresholds defaults(SpaceCounts counts) {
        long total = counts.available() + counts.used();
        long left = Math.max(1, total * DEFAULT_PERCENT / 100);
        return new Thresholds(new Threshold(true, left), new Threshold(false, total - left));
    }

    /**
     * Whether an enabled threshold is reached.
     *
     * @param before whether it was; then it is until the count has gone well back
     */
    boolean reached(SpaceCounts counts, boolean before) {
        long low = available.count + (before ? available.back() : 0);
        long high = used.count - (before ? used.back() : 0);
        return (available.enabled && counts.available() <= low)
                || (used.enabled && counts.used() >= high);
    }

    byte[] page() {
        byte[] page = new byte[PAGE_BYTES];
        ByteBuffer fields = header(page);
        put(fields, FIRST_AT, ARMED_DECREASING, AVAILABLE, available);
        put(fields, SECOND_AT, ARMED_INCREASING, USED, used);
        return page;
    }

    /** ENABLED and the counts. */
    static byte[] changeable() {
        byte[] page = new byte[PAGE_BYTES];
        ByteBuffer fields = header(page);
        Threshold all = new Threshold(true, 0xffffffffL);
        put(fields, FIRST_AT, 0, 0, all);
        put(fields, SECOND_AT, 0, 0, all);
        return page;
    }

    private static ByteBuffer header(byte[] page) {
        ByteBuffer fields = ByteBuffer.wrap(page);
        return fields.put((byte) 0x5c).put((byte) 0x02).putShort((short) (PAGE_BYTES - 4));
    }

    private static void put(ByteBuffer page, int at, int arming, int resource, Threshold value) {
        page.put(at, (byte) ((value.enabled ? ENABLED : 0) | arming));
        page.put(at + 1, (byte) resource).putInt(at + 4, (int) value.count);
    }

    /** What a host sent, already found to differ only in what can be changed. */
    static Thresholds parse(byte[] page) {
        ByteBuffer fields = ByteBuffer.wrap(page);
        return new Thresholds(threshold(fields, FIRST_AT), threshold(fields, SECOND_AT));
    }

    private static Threshold threshold(ByteBuffer page, int at) {
        return new Threshold(
                (page.get(at) & ENABLED) != 0, Integer.toUnsignedLong(page.getInt(at + 4)));
    }
}
