package dev.tidemark.replica.ship;

/** What the newest records of a group wait for on their way to a copy. */
public enum ShippingStage {
    /** The copy has everything, or nothing is under way. */
    NONE,
    /** To be forced and read at the source. */
    CAPTURE,
    /** In the link, for the processor. */
    COMPRESS,
    /** For the network, or a limit. */
    WIRE,
    /** For the copy's journal: to be written and forced there. */
    JOURNAL,
    /** For the copy's fold, which is so far behind that its journal takes no more. */
    FOLD
}
