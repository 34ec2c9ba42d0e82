package dev.tidemark.replica.ship;

/** What the newest records of a group wait for on their way to a copy. */
public enum ShippingStage {
    /** The copy has everything, or nothing is under way. */
    NONE,
    /** To be forced and read at the source. */
    CAPTURE,
    /** Compression, the network, or a limit. */
    WIRE,
    /** The copy's journal, or its fold: it grants no more. */
    COPY
}
