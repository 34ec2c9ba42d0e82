package dev.tidemark.iscsi.scsi;

import dev.tidemark.blockdevice.SharedSpace;

/**
 * The space behind a thin unit in the units of log page 0Ch and of thresholds, which are 1 MiB.
 *
 * @param available 32 bits, unsigned
 * @param used 32 bits, unsigned
 */
record SpaceCounts(long available, long used) {
    private static final int UNIT_SHIFT = 20;
    private static final long MAXIMUM = 0xffffffffL;

    /** Parts of a unit that are not available whole count as used. */
    static SpaceCounts of(SharedSpace space) {
        long available = space.availableBytes() >> UNIT_SHIFT;
        long total = space.totalBytes() >> UNIT_SHIFT;
        return new SpaceCounts(Math.min(available, MAXIMUM), Math.min(total - available, MAXIMUM));
    }

    /** THRESHOLD EXPONENT of VPD page B2h: a unit is 2 to the power of this logical blocks. */
    static int exponent(int blockBytes) {
        return UNIT_SHIFT - Integer.numberOfTrailingZeros(blockBytes);
    }
}
