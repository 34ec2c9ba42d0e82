package dev.tidemark.replica;

import java.util.UUID;

/**
 * Hears what an administrator must know of a protection group. Called on the group's threads; must
 * not block or throw.
 */
public interface GroupListener {
    /** Hears nothing. */
    GroupListener NONE = new GroupListener() {};

    /**
     * Opening found the journal's end and finished what a crash had left.
     *
     * @param lastSequence newest sequence number found
     * @param replayedRecords records read back into the head view
     * @param foldFinished a fold that a crash had interrupted was completed
     * @param images recovery tests found running
     */
    default void recovered(
            UUID group,
            long lastSequence,
            long replayedRecords,
            boolean foldFinished,
            int images) {}

    /** The fold cannot go on and is retried; said once per stall. */
    default void stalled(UUID group, String reason) {}

    /** The fold goes on again. */
    default void resumed(UUID group) {}

    /** The group has stopped for good. */
    default void failed(UUID group, String reason) {}

    /** The pool of storage units is full: history will be dropped or writes will fail. */
    default void poolFull(UUID group, String detail) {}

    /** History between two sequence numbers was dropped before its window ended. */
    default void historyDropped(UUID group, long fromSequence, long toSequence, String reason) {}

    /** A checksum did not match or a file contradicts itself. */
    default void corrupt(UUID group, String file, long positionBytes, String detail) {}

    /** An image could not be opened with its group: it serves nothing, and its writes stay. */
    default void imageFailed(UUID group, UUID image, String reason) {}

    /** Something worth a line in the log. */
    default void event(UUID group, String detail) {}

    /** A rollback or promotion began or was resumed. */
    default void promotionStarted(UUID group, long pointSequence, int epoch) {}

    /** A rollback or promotion is complete. */
    default void promotionEnded(UUID group, long pointSequence, int epoch) {}
}
