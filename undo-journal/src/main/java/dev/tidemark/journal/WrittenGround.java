package dev.tidemark.journal;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Decides when an append writes zeros behind its records: while somebody forces a little at a time.
 *
 * <p>A preallocated block that was never written is marked so by the file system. The first force
 * behind a write into it makes the file system commit that mark too, which takes about as long as
 * the force itself. Zeros written ahead take the mark from many blocks at once, and the forces that
 * follow find ground that was written before. They say nothing: the log ends at the first invalid
 * record, and zeros are what preallocated blocks read as anyway. Guarded by the log's lock.
 */
final class WrittenGround {
    /** A force of more than this costs little more for the marks. */
    static final int SMALL_FORCE_BYTES = 64 << 10;

    /** Zeros written at a time: short for the thread that appends, some sixteen small forces. */
    static final int AHEAD_BYTES = 512 << 10;

    private static final int BLOCK_BYTES = 4096;
    private static final ByteBuffer ZEROS =
            ByteBuffer.allocateDirect(AHEAD_BYTES).asReadOnlyBuffer();

    private final boolean preallocated;
    private long unforcedBytes;
    private boolean smallForces;

    /** What lies before it in the current segment was written before, or is by this append. */
    private int end;

    /**
     * @param preallocated whether a segment has its blocks, and its size, from the beginning
     */
    WrittenGround(boolean preallocated) {
        this.preallocated = preallocated;
    }

    /** The log goes on in a segment of which nothing was written. */
    void startSegment() {
        end = 0;
    }

    /**
     * A force begins.
     *
     * @param awaited whether somebody waits for it
     */
    void forceBegins(boolean awaited) {
        smallForces = awaited && unforcedBytes <= SMALL_FORCE_BYTES;
        unforcedBytes = 0;
    }

    /**
     * Takes note of an append.
     *
     * @param bytes of its records
     * @param endPosition where they end in the segment
     * @param unitBytes where the segment ends
     * @return zeros to write behind them; null for none
     */
    @Nullable ByteBuffer append(int bytes, int endPosition, int unitBytes) {
        unforcedBytes += bytes;
        if (endPosition <= end) {
            return null;
        }
        end = endPosition;
        if (!preallocated || !smallForces) {
            return null;
        }
        end = Math.min(endPosition + AHEAD_BYTES & -BLOCK_BYTES, unitBytes);
        return end == endPosition ? null : ZEROS.duplicate().limit(end - endPosition);
    }
}
