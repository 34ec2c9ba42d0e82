package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.Pin;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointException;
import org.jspecify.annotations.Nullable;

/**
 * The writes to a live disk since a boundary that gold has passed, brought up to date by each
 * question from the headers of the records that came since the last one. Begins anew at the gold
 * boundary when it has fallen behind that, or has become large. Thread-safe.
 */
final class RecentWrites implements LastWriteMap.Recent {
    private static final int LARGE_COUNT = 64 << 10;

    private final Journal journal;
    private final int volume;
    private @Nullable Boundary base; // guarded by this, like the next
    private @Nullable RedoWrites writes;

    RecentWrites(Journal journal, int volume) {
        this.journal = journal;
        this.volume = volume;
    }

    @Override
    public synchronized Boundary look(long offsetBytes, long lengthBytes, ExtentMap.Visitor visitor)
            throws JournalException, PointException {
        Boundary gold = journal.goldBoundary();
        long last = journal.redo().lastSequence();
        Point point = new Point(last, journal.redo().lastTimeMicros(), gold, null);
        try (Pin pin = journal.pin(point)) {
            RedoWrites known = writes;
            Boundary begin = base;
            if (known == null || begin == null || isOutdated(known, begin, gold)) {
                begin = gold;
                known = new RedoWrites(journal, volume, gold);
            }
            known.readUpTo(pin.point().sequence());
            writes = known;
            base = begin;
            known.writes().visit(offsetBytes, lengthBytes, visitor);
            return begin;
        }
    }

    private static boolean isOutdated(RedoWrites known, Boundary begin, Boundary gold) {
        return known.nextSequence() <= gold.sequence()
                || (known.writes().count() > LARGE_COUNT && begin.run() < gold.run());
    }
}
