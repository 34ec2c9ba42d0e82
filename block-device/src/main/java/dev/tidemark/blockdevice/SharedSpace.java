package dev.tidemark.blockdevice;

/**
 * How full the storage is from which thin disks take their space, at a recent moment.
 *
 * @param usedBytes taken, by whomever
 * @param availableBytes what can still be taken
 */
public record SharedSpace(long usedBytes, long availableBytes) {
    /** Checks the ranges. */
    public SharedSpace {
        if (usedBytes < 0 || availableBytes < 0) {
            throw new IllegalArgumentException(
                    "%d bytes used or %d available are negative"
                            .formatted(usedBytes, availableBytes));
        }
    }

    public long totalBytes() {
        return usedBytes + availableBytes;
    }
}
