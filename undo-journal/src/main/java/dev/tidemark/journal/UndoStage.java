package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Collects what one writer appends and writes it in large pieces. Space is taken in granules, so
 * that two writers at work at the same time still write sequentially. Owned by one thread at a
 * time; reused.
 */
final class UndoStage {
    private static final int GRANULE_BYTES = 128 << 10;

    private final UndoSegments segments;
    private final UndoAppender appender;
    private final int alignmentBytes;
    private final ByteBuffer staged;

    /** Where the first staged byte goes. */
    private long stagedAt;

    /** The granule's unused rest. */
    private long freeAt;

    private int freeBytes;
    private int[] touched = new int[4];
    private int touchedCount;
    private long startAt;

    /**
     * @param alignmentBytes power of two that the first position of a unit is to be a multiple of
     */
    UndoStage(UndoSegments segments, UndoAppender appender, int bufferBytes, int alignmentBytes) {
        this.alignmentBytes = alignmentBytes;
        this.segments = segments;
        this.appender = appender;
        this.staged = ByteBuffer.allocateDirect(bufferBytes);
    }

    /**
     * Location of the next {@code lengthBytes} bytes put, which must follow at once and fit the
     * buffer.
     */
    long place(int lengthBytes) throws JournalException {
        if (lengthBytes > freeBytes) {
            renewGranule(lengthBytes);
        }
        if (staged.position() > 0
                && (freeAt != stagedAt + staged.position() || staged.remaining() < lengthBytes)) {
            flush();
        }
        if (staged.position() == 0) {
            stagedAt = freeAt;
        }
        long location = freeAt;
        freeAt += lengthBytes;
        freeBytes -= lengthBytes;
        return location;
    }

    void put(ByteBuffer source) {
        staged.put(source);
    }

    void put(byte[] source, int lengthBytes) {
        staged.put(source, 0, lengthBytes);
    }

    private void renewGranule(int minimumBytes) throws JournalException {
        int wanted = Math.max(minimumBytes, GRANULE_BYTES);
        appender.giveBack(freeAt, freeBytes);
        freeBytes = 0;
        // A unit begins on a page, so that its images, mostly whole pages, lie on pages: a read
        // then touches one page and not two.
        appender.reserve(this, minimumBytes, wanted, startAt == 0 ? alignmentBytes : 1);
    }

    /** Takes over reserved space. */
    void granted(long location, int lengthBytes) {
        freeAt = location;
        freeBytes = lengthBytes;
        if (startAt == 0) {
            startAt = freeAt;
        }
        touch(IndexFormat.segmentOf(freeAt));
    }

    private void touch(int segment) {
        if (touchedCount > 0 && touched[touchedCount - 1] == segment) {
            return;
        }
        if (touchedCount == touched.length) {
            touched = Arrays.copyOf(touched, touchedCount * 2);
        }
        touched[touchedCount++] = segment;
    }

    private void flush() throws JournalException {
        staged.flip();
        try {
            segments.write(
                    IndexFormat.segmentOf(stagedAt), IndexFormat.positionOf(stagedAt), staged);
        } finally {
            staged.clear();
        }
    }

    /** Writes what is staged and gives back the rest of the granule. */
    void finish() throws JournalException {
        if (staged.position() > 0) {
            flush();
        }
        appender.giveBack(freeAt, freeBytes);
        freeBytes = 0;
    }

    /** Forgets what is staged; what was written before stays where it is, named by nothing. */
    void discard() {
        if (staged.position() > 0) {
            appender.giveBack(stagedAt, staged.position() + freeBytes);
        } else {
            appender.giveBack(freeAt, freeBytes);
        }
        staged.clear();
        freeBytes = 0;
        restart();
    }

    /** Forces every segment written to since the last {@link #restart}. */
    void force() throws JournalException {
        for (int i = 0; i < touchedCount; i++) {
            segments.force(touched[i]);
        }
    }

    /** Begins a new unit: nothing was touched so far. */
    void restart() {
        touchedCount = 0;
        startAt = 0;
    }

    /** Whether everything since the restart went to this segment. */
    boolean onlyTouched(int segment) {
        return touchedCount == 0 || (touchedCount == 1 && touched[0] == segment);
    }

    boolean hasTouched(int segment) {
        for (int i = 0; i < touchedCount; i++) {
            if (touched[i] == segment) {
                return true;
            }
        }
        return false;
    }

    /** Segment of the first byte placed since the restart, 0 when none was. */
    int startSegment() {
        return IndexFormat.segmentOf(startAt);
    }
}
