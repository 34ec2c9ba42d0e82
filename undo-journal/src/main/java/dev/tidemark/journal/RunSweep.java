package dev.tidemark.journal;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Goes through a volume in ascending order and tells, part by part, what a stretch of runs holds of
 * it: the earliest run's before-image counts. One cursor in each span that covers the stretch,
 * about 3·log4(n) on each side, so that memory is bounded by those cursors' blocks however much
 * changed, and what nobody changed is passed in one step.
 *
 * <p>Sees the runs and spans that were there when it was made; the caller keeps them from being
 * dropped. Waits for the disk. Not thread-safe.
 */
public final class RunSweep {
    /** What the runs hold of a part. */
    public enum Content {
        /** None of them changed it. */
        NOTHING,
        /** A before-image with bytes. */
        BYTES,
        /** A before-image that is all zeros. */
        ZEROS
    }

    /** A cursor that lies further behind seeks instead of stepping. */
    private static final int STEPS = 8;

    private final SpanSet spans;
    private final IndexReader reader;
    private final long fromRun;
    private final long toRun;

    /** In the order of their spans, the oldest first; those without anything left fall out. */
    private final List<IndexCursor> cursors = new ArrayList<>();

    private int volume;
    private long atBytes;

    /** Over the runs in (fromRun, toRun]. */
    RunSweep(SpanSet spans, IndexReader reader, long fromRun, long toRun) {
        this.spans = spans;
        this.reader = reader;
        this.fromRun = fromRun;
        this.toRun = toRun;
    }

    /** The newest run considered. */
    public long lastRun() {
        return toRun;
    }

    /** Begins anew at an address. */
    public void seek(int volume, long offsetBytes) throws JournalException {
        this.volume = volume;
        atBytes = offsetBytes;
        cursors.clear();
        for (long run = fromRun + 1; run <= toRun; ) {
            int level = spans.widestAt(run, toRun);
            IndexCursor cursor = new IndexCursor(reader, IndexReader.Reach.DISK);
            cursor.open(spans, level, (run - 1) / spans.width(level));
            if (cursor.seek(volume, offsetBytes) && cursor.volume() == volume) {
                cursors.add(cursor);
            }
            run += spans.width(level);
        }
    }

    /** Where the next part begins. */
    public long offsetBytes() {
        return atBytes;
    }

    /** Leaves out what lies before this address, which is not before the next part. */
    public void skipTo(long offsetBytes) {
        assert offsetBytes >= atBytes : "back from " + atBytes + " to " + offsetBytes;
        atBytes = offsetBytes;
    }

    /** Passes the next part, which ends at {@code endBytes} at the latest; tells what it is. */
    public Content next(long endBytes) throws JournalException {
        assert endBytes > atBytes : "nothing left of the range";
        Content content = Content.NOTHING;
        long end = endBytes;
        Iterator<IndexCursor> oldestFirst = cursors.iterator();
        while (content == Content.NOTHING && oldestFirst.hasNext()) {
            IndexCursor cursor = oldestFirst.next();
            if (!catchUp(cursor)) {
                oldestFirst.remove();
            } else if (cursor.offsetBytes() > atBytes) {
                end = Math.min(end, cursor.offsetBytes());
            } else {
                end = Math.min(end, cursor.endBytes());
                content = cursor.segment() == 0 ? Content.ZEROS : Content.BYTES;
            }
        }
        atBytes = end;
        return content;
    }

    /** Moves to the first entry that ends behind the part's start; false when there is none. */
    private boolean catchUp(IndexCursor cursor) throws JournalException {
        for (int i = 0; cursor.endBytes() <= atBytes; i++) {
            boolean live = i < STEPS ? cursor.next() : cursor.seek(volume, atBytes);
            if (!live || cursor.volume() != volume) {
                return false;
            }
        }
        return true;
    }
}
