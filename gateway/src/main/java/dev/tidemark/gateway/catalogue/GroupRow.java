package dev.tidemark.gateway.catalogue;

import java.util.UUID;

/**
 * A protection group's name and settings.
 *
 * @param phase whether its directory is expected to exist
 */
public record GroupRow(
        UUID id,
        String name,
        long createdMicros,
        long windowMillis,
        long historyBytes,
        long fineWindowMillis,
        long checkpointMillis,
        Phase phase) {

    /** Where a group is in its life; a start-up finishes what a crash left half done. */
    public enum Phase {
        /** The directory is being made: a start-up removes it. */
        CREATING,
        ACTIVE,
        /** Deletion was decided: a start-up finishes it. */
        DELETING
    }

    public GroupRow with(Phase next) {
        return new GroupRow(
                id,
                name,
                createdMicros,
                windowMillis,
                historyBytes,
                fineWindowMillis,
                checkpointMillis,
                next);
    }
}
