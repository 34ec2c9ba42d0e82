package dev.tidemark.journal;

import java.util.NavigableSet;
import java.util.TreeSet;

/**
 * Hands out the undo segments' space, front to back. A place is reserved under the lock and filled
 * outside of it, so that the fold and the merging of indexes append to the same segments without
 * waiting for each other. Segments are made outside of the lock: making one may have to wait for
 * retention, which asks this class where it stands. Thread-safe.
 */
final class UndoAppender {
    private final UndoSegments segments;
    private final NavigableSet<Integer> spares = new TreeSet<>(); // guarded by this
    private volatile int segment; // written under this
    private int position; // guarded by this
    private int capacityBytes; // guarded by this

    /**
     * @param end where the last known byte ends, 0 for a log without any
     */
    UndoAppender(UndoSegments segments, long end) {
        this.segments = segments;
        this.segment = IndexFormat.segmentOf(end);
        this.position = IndexFormat.positionOf(end);
    }

    /**
     * Grants the stage {@code wantedBytes}, or what the segment has left of them if that is {@code
     * minimumBytes} or more.
     *
     * @param alignmentBytes power of two that the position is to be a multiple of
     */
    void reserve(UndoStage stage, int minimumBytes, int wantedBytes, int alignmentBytes)
            throws JournalException {
        while (!tryReserve(stage, minimumBytes, wantedBytes, alignmentBytes)) {
            addSpare();
        }
    }

    /** False when another segment is needed and none is there. */
    private synchronized boolean tryReserve(
            UndoStage stage, int minimumBytes, int wantedBytes, int alignmentBytes)
            throws JournalException {
        if (segment != 0 && capacityBytes == 0) {
            capacityBytes = segments.capacityBytes(segment);
        }
        position = (position + alignmentBytes - 1) & -alignmentBytes;
        if ((segment == 0 || capacityBytes - position < minimumBytes) && !takeSpare()) {
            return false;
        }
        int room = capacityBytes - position;
        if (minimumBytes > room) {
            throw new IllegalArgumentException(
                    minimumBytes + " bytes do not fit a segment, which has room for " + room);
        }
        int grantedBytes = Math.min(wantedBytes, room);
        stage.granted(IndexFormat.location(segment, position), grantedBytes);
        position += grantedBytes;
        return true;
    }

    private boolean takeSpare() throws JournalException {
        Integer next = spares.pollFirst();
        if (next == null) {
            return false;
        }
        position = segments.headerBytes();
        capacityBytes = segments.capacityBytes(next);
        segment = next;
        return true;
    }

    /**
     * Two threads may do so at once: what one of them makes too many is the segment after, unless a
     * later one is in use already.
     */
    private void addSpare() throws JournalException {
        int made = segments.next(segment);
        synchronized (this) {
            if (made > segment) {
                spares.add(made);
                return;
            }
        }
        segments.discard(made);
    }

    /** Gives reserved space back that nothing was written to, if nobody has reserved behind it. */
    synchronized void giveBack(long location, int unusedBytes) {
        if (IndexFormat.segmentOf(location) == segment
                && IndexFormat.positionOf(location) + unusedBytes == position) {
            position = IndexFormat.positionOf(location);
        }
    }

    /** Segment now appended to, 0 before the first. Never waits: whoever makes room asks. */
    int segment() {
        return segment;
    }
}
