package dev.tidemark.replica.ship;

/** What the shipping of a group to a peer is doing. */
public enum ShippingState {
    /** There is no link. */
    WAITING,
    /** The peer is asked where its copy stands. */
    OPENING,
    /** The copy is being made, or brought up to date across a break of the order. */
    SYNCING,
    /** Records go to the copy as they are written. */
    SHIPPING,
    /** An administrator stopped it; redo is held. */
    PAUSED,
    /** It cannot go on by itself: the reason says why. */
    STOPPED,
    /** Another site has taken the group over. */
    FENCED
}
