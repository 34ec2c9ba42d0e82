package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.RunSweep;
import org.jspecify.annotations.Nullable;

/**
 * What changed on a live disk since a record that history does not reach: a dirty map up to the
 * oldest boundary, which is never changed any more, and what history tells since that.
 */
record MappedChanges(DirtyMap map, int volume, LiveChanges since) implements ChangedMap.Changes {
    @Override
    public @Nullable RunSweep look(long offsetBytes, long lengthBytes, ExtentMap.Visitor written)
            throws JournalException {
        map.visit(volume, offsetBytes, lengthBytes, written);
        return since.look(offsetBytes, lengthBytes, written);
    }

    @Override
    public @Nullable Object state() {
        return since.state();
    }
}
