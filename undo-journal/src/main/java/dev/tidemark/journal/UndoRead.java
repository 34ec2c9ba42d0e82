package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * One range looked up: which parts gold holds, and the before-images of the others, still to be
 * read. Both are as of {@link #asOfRun()}; a before-image is final for ever. Of one thread.
 */
public final class UndoRead {
    private final BeforeImageReader images;
    private final UndoRegion[] regions;
    private final long offsetBytes;
    private final long endBytes;
    private final long asOfRun;

    /** Start and end in the volume of each part that gold holds. */
    private long[] gold = NONE;

    private int goldCount;
    private boolean hasImages;

    private static final long[] NONE = {};
    private static final int FIRST_PARTS = 8;

    UndoRead(
            BeforeImageReader images,
            UndoRegion[] regions,
            long offsetBytes,
            long endBytes,
            long asOfRun) {
        this.images = images;
        this.regions = regions;
        this.offsetBytes = offsetBytes;
        this.endBytes = endBytes;
        this.asOfRun = asOfRun;
        for (UndoRegion region : regions) {
            findGold(region);
        }
    }

    private void findGold(UndoRegion region) {
        long baseBytes = region.index << UndoRegion.SHIFT;
        int from = (int) (Math.max(offsetBytes, baseBytes) - baseBytes);
        int end = (int) Math.min(endBytes - baseBytes, UndoRegion.BYTES);
        if (!region.hasGold) {
            hasImages |= from < end;
            return;
        }
        for (int part = region.partAt(from); from < end; part++) {
            int until = Math.min(region.end(part), end);
            if (region.segment(part) == UndoRegion.GOLD) {
                addGold(baseBytes + from, baseBytes + until);
            } else {
                hasImages = true;
            }
            from = until;
        }
    }

    private void addGold(long start, long end) {
        if (goldCount > 0 && gold[2 * goldCount - 1] == start) {
            gold[2 * goldCount - 1] = end;
            return;
        }
        if (2 * goldCount == gold.length) {
            gold = Arrays.copyOf(gold, Math.max(FIRST_PARTS, 2 * gold.length));
        }
        gold[2 * goldCount] = start;
        gold[2 * goldCount + 1] = end;
        goldCount++;
    }

    /** The newest run considered: gold may have been overwritten by later ones. */
    public long asOfRun() {
        return asOfRun;
    }

    /** Number of parts that gold holds, ascending, with something else between them. */
    public int goldCount() {
        return goldCount;
    }

    public long goldStart(int index) {
        return gold[2 * index];
    }

    public long goldEnd(int index) {
        return gold[2 * index + 1];
    }

    /**
     * Reads the before-images, those that lie together at once, to where they belong between the
     * target's position (the range's first byte) and limit, neither of which moves; everything else
     * in the target stays as it is. What is read is verified, and undefined after a failure.
     *
     * @return false when it would have to wait
     */
    public boolean fill(ByteBuffer target, boolean cachedOnly) throws JournalException {
        if (!hasImages) {
            return true;
        }
        ByteBuffer bytes = target.duplicate();
        for (UndoRegion region : regions) {
            long baseBytes = region.index << UndoRegion.SHIFT;
            long from = Math.max(offsetBytes, baseBytes);
            long end = Math.min(endBytes, baseBytes + UndoRegion.BYTES);
            int at = target.position() + (int) (from - offsetBytes);
            bytes.limit(at + (int) (end - from)).position(at);
            if (!images.read(region, from, bytes, cachedOnly)) {
                return false;
            }
        }
        return true;
    }
}
