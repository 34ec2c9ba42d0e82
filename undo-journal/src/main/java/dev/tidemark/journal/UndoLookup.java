package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * First hits in the undo runs after one boundary, with a memory per region; belongs to one view.
 * Thread-safe, also while runs are published and indexes merged.
 */
public final class UndoLookup implements AutoCloseable {
    /** Returned instead of a run number when an index block is not in memory. */
    public static final long WOULD_BLOCK = -1;

    /** Heap that one lookup's memory of regions may take. */
    static final long REGION_CACHE_BYTES = 16 << 20;

    /** Receives a lookup's parts, ascending, covering the range asked for exactly. */
    public interface Visitor {
        /** A part that some run after the boundary holds; the earliest such run's entry. */
        void beforeImage(long offsetBytes, long lengthBytes, BeforeImage image);

        /** A part in no run considered: gold holds it. */
        void gold(long offsetBytes, long lengthBytes);
    }

    private static final UndoRegion[] NO_REGIONS = {};

    private final UndoLog log;
    private final long baseRun;
    private final RegionCache regions;
    private final BeforeImageReader images;

    UndoLookup(UndoLog log, long baseRun, long regionCacheBytes) {
        this.log = log;
        this.baseRun = baseRun;
        this.regions = new RegionCache(regionCacheBytes);
        this.images = new BeforeImageReader(log.segments());
    }

    /**
     * Looks a range up.
     *
     * @param cachedOnly never wait for a disk
     * @return the newest run considered, or {@link #WOULD_BLOCK} (then the visitor saw nothing)
     */
    public long resolve(
            int volume, long offsetBytes, long lengthBytes, boolean cachedOnly, Visitor visitor)
            throws JournalException {
        SpanSet spans = log.spans();
        UndoRegion[] found = regions(spans, volume, offsetBytes, lengthBytes, cachedOnly);
        if (found == null) {
            return WOULD_BLOCK;
        }
        visit(found, offsetBytes, offsetBytes + lengthBytes, visitor);
        return spans.newestRun();
    }

    /** The regions that a range touches; null when that would block. */
    private UndoRegion @Nullable [] regions(
            SpanSet spans, int volume, long offsetBytes, long lengthBytes, boolean cachedOnly)
            throws JournalException {
        if (lengthBytes == 0) {
            return NO_REGIONS;
        }
        long first = offsetBytes >>> UndoRegion.SHIFT;
        long last = (offsetBytes + lengthBytes - 1) >>> UndoRegion.SHIFT;
        UndoRegion[] found = new UndoRegion[(int) (last - first) + 1];
        for (int i = 0; i < found.length; i++) {
            UndoRegion region = region(spans, volume, first + i, cachedOnly);
            if (region == null) {
                return null;
            }
            found[i] = region;
        }
        return found;
    }

    private static void visit(
            UndoRegion[] found, long offsetBytes, long endBytes, Visitor visitor) {
        for (UndoRegion region : found) {
            long baseBytes = region.index << UndoRegion.SHIFT;
            visit(
                    region,
                    Math.max(offsetBytes, baseBytes),
                    Math.min(endBytes, baseBytes + UndoRegion.BYTES),
                    visitor);
        }
    }

    /** The region with everything up to the newest run looked up; null when that would block. */
    private @Nullable UndoRegion region(SpanSet spans, int volume, long index, boolean cachedOnly)
            throws JournalException {
        UndoRegion known = regions.get(volume, index);
        long newest = spans.newestRun();
        if (known != null && (!known.hasGold || known.asOfRun >= newest)) {
            return known;
        }
        UndoRegion.Builder builder = new UndoRegion.Builder();
        long asOf = baseRun;
        if (known == null) {
            builder.begin(volume, index);
        } else {
            builder.begin(known);
            asOf = known.asOfRun;
        }
        Fill filled = fill(builder, spans, asOf, cachedOnly);
        if (filled == Fill.BLOCKED) {
            return null;
        }
        UndoRegion region =
                known != null && filled == Fill.NOTHING
                        ? known.asOf(newest)
                        : builder.build(newest);
        regions.put(region);
        return region;
    }

    private enum Fill {
        NOTHING,
        SOMETHING,
        BLOCKED
    }

    /** Goes through the runs after one, oldest first, in the widest spans there are. */
    private Fill fill(UndoRegion.Builder builder, SpanSet spans, long afterRun, boolean cachedOnly)
            throws JournalException {
        IndexCursor cursor =
                new IndexCursor(
                        log.reader(),
                        cachedOnly ? IndexReader.Reach.MEMORY : IndexReader.Reach.DISK);
        Fill result = Fill.NOTHING;
        long newest = spans.newestRun();
        long run = afterRun + 1;
        try {
            while (run <= newest && builder.hasGold()) {
                int level = spans.widestAt(run, newest);
                cursor.open(spans, level, (run - 1) / spans.width(level));
                if (builder.fill(cursor)) {
                    result = Fill.SOMETHING;
                }
                run += spans.width(level);
            }
        } catch (IndexReader.WouldBlock blocked) {
            return Fill.BLOCKED;
        }
        return result;
    }

    private static void visit(UndoRegion region, long fromBytes, long endBytes, Visitor visitor) {
        long baseBytes = region.index << UndoRegion.SHIFT;
        int from = (int) (fromBytes - baseBytes);
        int end = (int) (endBytes - baseBytes);
        for (int part = region.partAt(from); from < end; part++) {
            int partEnd = Math.min(region.end(part), end);
            if (region.segment(part) == UndoRegion.GOLD) {
                visitor.gold(baseBytes + from, partEnd - from);
            } else {
                visitor.beforeImage(baseBytes + from, partEnd - from, region.image(part));
            }
            from = partEnd;
        }
    }

    /** Like {@link #resolve} but only in runs after {@code run}: the look again after gold. */
    public long resolveAfter(
            long run,
            int volume,
            long offsetBytes,
            long lengthBytes,
            boolean cachedOnly,
            Visitor visitor)
            throws JournalException {
        SpanSet spans = log.spans();
        long newest = spans.newestRun();
        if (run >= newest) {
            if (lengthBytes > 0) {
                visitor.gold(offsetBytes, lengthBytes);
            }
            return newest;
        }
        long endBytes = offsetBytes + lengthBytes;
        List<UndoRegion> found = new ArrayList<>(1);
        UndoRegion.Builder builder = new UndoRegion.Builder();
        for (long at = offsetBytes; at < endBytes; ) {
            long index = at >>> UndoRegion.SHIFT;
            builder.begin(volume, index);
            if (fill(builder, spans, run, cachedOnly) == Fill.BLOCKED) {
                return WOULD_BLOCK;
            }
            found.add(builder.build(newest));
            at = (index + 1) << UndoRegion.SHIFT;
        }
        visit(found.toArray(NO_REGIONS), offsetBytes, endBytes, visitor);
        return newest;
    }

    /**
     * Fills {@code target} with the bytes of a before-image from {@code fromBytes} (an offset in
     * the volume) on; verified.
     *
     * @return false when it would have to wait; the target's position is then unchanged
     */
    public boolean read(BeforeImage image, long fromBytes, ByteBuffer target, boolean cachedOnly)
            throws JournalException {
        return images.read(image, fromBytes, target, cachedOnly);
    }

    /**
     * Looks up a range that is to be read.
     *
     * @param cachedOnly never wait for a disk
     * @return null when it would have to wait
     */
    public @Nullable UndoRead find(
            int volume, long offsetBytes, long lengthBytes, boolean cachedOnly)
            throws JournalException {
        SpanSet spans = log.spans();
        UndoRegion[] found = regions(spans, volume, offsetBytes, lengthBytes, cachedOnly);
        return found == null
                ? null
                : new UndoRead(
                        images, found, offsetBytes, offsetBytes + lengthBytes, spans.newestRun());
    }

    /** The newest run there is: what was looked up as of this one need not be looked up again. */
    public long newestRun() {
        return log.spans().newestRun();
    }

    /** Heap taken by what is remembered. */
    long heapBytes() {
        return regions.heapBytes();
    }

    /** Forgets what was remembered. The pin that keeps the runs is the view's own. */
    @Override
    public void close() {
        regions.clear();
    }
}
