package dev.tidemark.gateway.catalogue;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The record of a recovery test.
 *
 * @param id number that people use, from 1, never given twice
 * @param image id of its image in the engine
 * @param drill number of the drill it belongs to
 * @param asked the point as it was asked for
 * @param sequence the exact point taken
 * @param checkpoint name of the tagged checkpoint at the point, empty when there is none
 * @param openMicros how long opening its image took
 * @param stoppedMicros null while it runs
 * @param verdict null while it runs
 * @param bytesWritten what the tester wrote; set when it stops
 */
public record TestRow(
        long id,
        UUID image,
        UUID group,
        String groupName,
        long drill,
        String asked,
        long sequence,
        long pointMicros,
        String checkpoint,
        long openMicros,
        long startedMicros,
        String startedBy,
        @Nullable Long stoppedMicros,
        @Nullable Verdict verdict,
        String note,
        String stoppedBy,
        long bytesWritten) {

    /** Who has started what no person has. */
    public static final String GATEWAY = "gateway";

    /** How the note of a branch begins: what the site that took over has not got. */
    public static final String BRANCH = "branch: ";

    public boolean running() {
        return stoppedMicros == null;
    }

    /** Whether this is no drill, but the tail of a site that another one took over from. */
    public boolean isBranch() {
        return startedBy.equals(GATEWAY) && note.startsWith(BRANCH);
    }
}
