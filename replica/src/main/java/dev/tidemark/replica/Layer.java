package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.Position;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What was written between two boundaries, by volume: extents that name their redo records. Open at
 * first, then sealed and immutable.
 *
 * <p>Puts come under the redo log's lock; while the layer is open, its own monitor orders them with
 * readers. Once dropped its redo may be gone: a reader whose read fails then looks at the layers
 * anew.
 */
final class Layer {
    /** First value of an extent that reads as zeros and may become a hole. */
    static final long ZERO_HOLE = -1;

    /** First value of an extent that reads as zeros and keeps its space. */
    static final long ZERO_KEPT = -2;

    /** Where a sealed layer ends. */
    record End(long sequence, long timeMicros, Position redo, @Nullable Checkpoint checkpoint) {
        Boundary boundary(long run) {
            return new Boundary(run, sequence, timeMicros, redo, checkpoint);
        }
    }

    private final Position begin;
    private final Map<Integer, ExtentMap> volumes = new TreeMap<>();
    private long extentCount;
    private long weightBytes;
    private long chargedBytes;
    private volatile @Nullable End end;
    private volatile boolean dropped;

    Layer(Position begin) {
        this.begin = begin;
    }

    Position begin() {
        return begin;
    }

    /** The layer holds what came after this sequence number. */
    long afterSequence() {
        return begin.sequence() - 1;
    }

    @Nullable End end() {
        return end;
    }

    /**
     * Puts an extent over what the layer holds.
     *
     * @param dataBytes how many of its bytes may have a before-image that is not zero
     * @param charge what the record counts against the limit of unfolded bytes
     */
    synchronized void put(
            int volume,
            long offsetBytes,
            long lengthBytes,
            long a,
            long b,
            long dataBytes,
            long charge) {
        assert end == null : "put into a sealed layer";
        ExtentMap map = volumes.computeIfAbsent(volume, id -> new ExtentMap());
        int countBefore = map.count();
        long coveredBefore = map.coveredBytes();
        map.put(offsetBytes, lengthBytes, a, b);
        extentCount += map.count() - countBefore;
        weightBytes += Math.min(map.coveredBytes() - coveredBefore, dataBytes);
        chargedBytes += charge;
    }

    synchronized boolean isEmpty() {
        return chargedBytes == 0;
    }

    synchronized boolean exceeds(long weightLimitBytes, int extentLimit) {
        return weightBytes > weightLimitBytes || extentCount > extentLimit;
    }

    synchronized long chargedBytes() {
        return chargedBytes;
    }

    synchronized void seal(End at) {
        assert end == null : "sealed twice";
        end = at;
    }

    /** Visits what the layer holds of a range; gaps included. */
    void visit(int volume, long offsetBytes, long lengthBytes, ExtentMap.Visitor visitor) {
        if (end != null) {
            visitMap(volume, offsetBytes, lengthBytes, visitor);
            return;
        }
        synchronized (this) {
            visitMap(volume, offsetBytes, lengthBytes, visitor);
        }
    }

    private void visitMap(
            int volume, long offsetBytes, long lengthBytes, ExtentMap.Visitor visitor) {
        ExtentMap map = volumes.get(volume);
        if (map == null) {
            visitor.gap(offsetBytes, lengthBytes);
        } else {
            map.visit(offsetBytes, lengthBytes, visitor);
        }
    }

    /** The extents of a sealed layer by volume, ascending. */
    Map<Integer, ExtentMap> volumes() {
        assert end != null : "the layer is open";
        return volumes;
    }

    /** Everything is in gold: the redo may go at any time. */
    void drop() {
        dropped = true;
    }

    boolean isDropped() {
        return dropped;
    }
}
