package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.RunSweep;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What changed between two points: the runs between two boundaries and what was written before the
 * first and after the last; over it what a test has written, as of each question. Thread-safe.
 *
 * @param from runs after this one count; null when none does
 * @param written never changed any more
 * @param image the test; null for a view
 */
record FixedChanges(
        Journal journal,
        int volume,
        @Nullable Boundary from,
        Boundary to,
        List<ExtentMap> written,
        @Nullable ImageDisk image)
        implements ChangedMap.Changes {

    @Override
    public @Nullable RunSweep look(long offsetBytes, long lengthBytes, ExtentMap.Visitor visitor)
            throws JournalException {
        for (ExtentMap map : written) {
            map.visit(offsetBytes, lengthBytes, visitor);
        }
        if (image != null) {
            image.visitWritten(volume, offsetBytes, lengthBytes, visitor);
        }
        return from == null ? null : journal.sweep(from, to);
    }
}
