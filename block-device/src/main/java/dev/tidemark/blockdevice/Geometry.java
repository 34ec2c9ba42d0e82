package dev.tidemark.blockdevice;

/**
 * Shape of a device, all in bytes.
 *
 * @param sizeBytes the device's length, 0 or more
 * @param minimumBytes smallest granularity of a request, a power of two; 1 when any alignment works
 * @param preferredBytes granularity that costs no read-modify-write, a power of two
 * @param maximumBytes largest read or write, a multiple of minimumBytes
 */
public record Geometry(long sizeBytes, int minimumBytes, int preferredBytes, int maximumBytes) {
    /**
     * Largest request of the live disk unless the journal's storage units are smaller: 32 MiB (NBD
     * proto.md "Block size constraints").
     */
    public static final int DEFAULT_MAXIMUM_BYTES = 32 << 20;

    public Geometry {
        if (sizeBytes < 0) {
            throw new IllegalArgumentException("size " + sizeBytes + " is negative");
        }
        if (Integer.bitCount(minimumBytes) != 1 || Integer.bitCount(preferredBytes) != 1) {
            throw new IllegalArgumentException(
                    "block sizes "
                            + minimumBytes
                            + ", "
                            + preferredBytes
                            + " are not powers of two");
        }
        if (maximumBytes < preferredBytes || maximumBytes % minimumBytes != 0) {
            throw new IllegalArgumentException(
                    "maximum " + maximumBytes + " is no multiple of " + minimumBytes);
        }
    }

    public static Geometry ofSize(long sizeBytes) {
        return new Geometry(sizeBytes, 1, 4096, DEFAULT_MAXIMUM_BYTES);
    }
}
