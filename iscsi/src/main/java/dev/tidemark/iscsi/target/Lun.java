package dev.tidemark.iscsi.target;

import dev.tidemark.blockdevice.BlockDevice;

/**
 * A logical unit of an opened target.
 *
 * @param number 0 to {@value #MAXIMUM_NUMBER} (SAM-5 4.7: peripheral or flat addressing)
 * @param unit what the unit says of itself, the same for every session
 * @param device this session's handle of the disk; closed with the target
 */
public record Lun(int number, UnitDescription unit, BlockDevice device) {
    /** Largest number of flat space addressing. */
    public static final int MAXIMUM_NUMBER = 16_383;

    /** Checks the number. */
    public Lun {
        if (number < 0 || number > MAXIMUM_NUMBER) {
            throw new IllegalArgumentException(
                    "LUN %d is not between 0 and %d".formatted(number, MAXIMUM_NUMBER));
        }
    }
}
