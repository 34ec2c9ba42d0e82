package dev.tidemark.replica.ship;

/** How what a copy lacks is known and kept for it. */
public enum ShippingMode {
    /** The copy is made: nothing is known of it yet. */
    FIRST_COPY,
    /** Records go to the copy as they are written. */
    SHIPPING,
    /** Every record that the copy lacks is held, and will be shipped in order. */
    HELD_BACKLOG,
    /**
     * Records are not held: only where the disks have changed is known. The copy has to be
     * synchronised, and will have a gap in its points.
     */
    DIRTY_MAP
}
