package dev.tidemark.iscsi.scsi;

/** What a unit asks of the session that looks at it. Called on any thread, never under a lock. */
public interface SessionHooks {
    /**
     * Ends all commands of the session to a unit, without an answer to them.
     *
     * @param done runs once, on any thread, when none of them will change anything any more
     */
    void abortTasks(UnitHandle unit, Runnable done);

    /** A unit is no longer {@link UnitHandle#busy}; the session may end now. */
    void idle();
}
