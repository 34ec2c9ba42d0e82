package dev.tidemark.replica;

import dev.tidemark.journal.JournalCounters;
import java.util.List;

/**
 * What a protection group has done since it was opened; every field only grows.
 *
 * @param folds layers folded into gold
 * @param foldedBytes bytes of distinct addresses in folded layers
 * @param beforeImageBytes before-images stored with data (zero ranges are metadata only)
 * @param goldBytes bytes written to gold images (zeroed ranges excluded)
 * @param throttledWrites writes that had to wait for the fold
 * @param viewReads reads of views and of images
 * @param viewReadBytes bytes of those
 * @param writeLogBytes bytes written to the write logs of images
 * @param promotedBytes bytes copied by rollbacks and promotions
 * @param journaled what the journal, the first copy of a write, has taken
 * @param tapped what taps have given out
 */
public record GroupCounters(
        List<VolumeCounters> volumes,
        long folds,
        long foldedBytes,
        long beforeImageBytes,
        long goldBytes,
        long throttledWrites,
        long viewReads,
        long viewReadBytes,
        long writeLogBytes,
        long promotedBytes,
        CopyCounters journaled,
        CopyCounters tapped,
        JournalCounters journal) {

    public GroupCounters {
        volumes = List.copyOf(volumes);
    }

    /** Payload bytes hosts have written to live volumes. */
    public long hostWrittenBytes() {
        return volumes.stream().mapToLong(VolumeCounters::writtenBytes).sum();
    }
}
