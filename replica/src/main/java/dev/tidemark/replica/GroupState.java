package dev.tidemark.replica;

/** What a protection group can do now. */
public enum GroupState {
    /** Everything works. */
    NORMAL,
    /** A rollback or promotion is being folded in; the disks are usable. */
    PROMOTING,
    /** The fold cannot go on (no room); it is retried, writes go on until the unfolded limit. */
    STALLED,
    /** A force failed: reads go on, writes and flushes fail until the group is opened anew. */
    FAILED,
    /** Closed or draining: nothing is accepted. */
    CLOSED
}
