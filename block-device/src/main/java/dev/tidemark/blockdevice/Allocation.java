package dev.tidemark.blockdevice;

/**
 * The numbers of {@link BlockDevice#allocation}, as bits; 0 is data. They are those of NBD's {@code
 * base:allocation} (proto.md, "base:allocation metadata context").
 */
public final class Allocation {
    /** No space is set aside for the extent. */
    public static final long HOLE = 1;

    /** The extent reads as zeros. */
    public static final long ZERO = 1 << 1;

    private Allocation() {}
}
