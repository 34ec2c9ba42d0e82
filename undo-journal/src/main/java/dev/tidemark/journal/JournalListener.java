package dev.tidemark.journal;

/**
 * Alerts of one journal, upward. Called on any thread, also under the journal's locks: an
 * implementation notes what it is told and returns.
 */
public interface JournalListener {
    /** Swallows everything. */
    JournalListener NONE = new JournalListener() {};

    /**
     * The pool or the file system has no unit left for this journal; the text says what follows.
     */
    default void poolFull(String detail) {}

    /** History in (from, to] was given up before its window ended, or because it ended. */
    default void historyDropped(Boundary from, Boundary to, DropReason reason) {}

    /** The journal has stopped for good; it still reads. */
    default void failed(Throwable cause) {}

    /** Something read did not match its checksum. */
    default void corrupt(String file, long position, String detail) {}

    /** Something worth a line in the log: what recovery found, what was cut, what was deleted. */
    default void event(String detail) {}

    /** Why history was dropped. */
    enum DropReason {
        /** Older than the history window: the normal course. */
        WINDOW,
        /** Over the group's byte budget. */
        BUDGET,
        /** The pool is full: an alert. */
        POOL_FULL
    }
}
