package dev.tidemark.replica.ship;

/** The numbers of docs/internals/link-protocol.md, "Purposes and methods". */
final class Kinds {
    static final int PURPOSE_SHIPPING = 1;
    static final int PURPOSE_INITIAL_SYNC = 2;
    static final int PURPOSE_DELTA_SYNC = 3;

    static final int DATA_RECORDS = 1;
    static final int DATA_VOLUME_ADDED = 2;
    static final int DATA_VOLUME_RENAMED = 3;
    static final int DATA_VOLUME_REMOVED = 4;
    static final int DATA_REGION = 5;
    static final int DATA_ZERO = 6;
    static final int DATA_END = 7;

    static final int METHOD_ALLOCATION = 10;
    static final int METHOD_HASHES = 11;

    /** OPENED of shipping: a position follows. */
    static final int OPENED_POSITION = 0;

    /** OPENED of shipping: the peer has no copy of this group. */
    static final int OPENED_UNKNOWN = 1;

    /**
     * OPENED of shipping: the copy is half synchronised, which has to come to its end first. The
     * position that follows is of the record after which that began.
     */
    static final int OPENED_HALF = 2;

    /** CLOSE and refusals: the peer knows a greater tenure of the group. */
    static final int CODE_FENCED = 100;

    /** The copy is not a copy of this site's group, or cannot go on from where it is. */
    static final int CODE_UNUSABLE = 101;

    /** What was sent is not what the protocol says. */
    static final int CODE_MALFORMED = 102;

    /** The copy could not take it: its disk failed or is full. */
    static final int CODE_FAILED = 103;

    /**
     * The copy gave a tenure back to its source, which does not know of it yet: the source takes it
     * up and asks again.
     */
    static final int CODE_TENURE = 104;

    private Kinds() {}
}
