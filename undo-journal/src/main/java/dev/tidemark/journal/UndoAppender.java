package dev.tidemark.journal;

/**
 * Hands out the undo segments' space, front to back. A place is reserved under the lock and filled
 * outside of it, so that the fold and the merging of indexes append to the same segments without
 * waiting for each other. Thread-safe.
 */
final class UndoAppender {
    private final UndoSegments segments;
    private int segment;
    private int position;
    private int capacityBytes;

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
    synchronized void reserve(
            UndoStage stage, int minimumBytes, int wantedBytes, int alignmentBytes)
            throws JournalException {
        if (segment != 0 && capacityBytes == 0) {
            capacityBytes = segments.capacityBytes(segment);
        }
        position = (position + alignmentBytes - 1) & -alignmentBytes;
        if (segment == 0 || capacityBytes - position < minimumBytes) {
            segment = segments.next(segment);
            position = segments.headerBytes();
            capacityBytes = segments.capacityBytes(segment);
        }
        int room = capacityBytes - position;
        if (minimumBytes > room) {
            throw new IllegalArgumentException(
                    minimumBytes + " bytes do not fit a segment, which has room for " + room);
        }
        int grantedBytes = Math.min(wantedBytes, room);
        stage.granted(IndexFormat.location(segment, position), grantedBytes);
        position += grantedBytes;
    }

    /** Gives reserved space back that nothing was written to, if nobody has reserved behind it. */
    synchronized void giveBack(long location, int unusedBytes) {
        if (IndexFormat.segmentOf(location) == segment
                && IndexFormat.positionOf(location) + unusedBytes == position) {
            position = IndexFormat.positionOf(location);
        }
    }

    /** Segment now appended to, 0 before the first. */
    synchronized int segment() {
        return segment;
    }
}
