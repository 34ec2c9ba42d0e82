package dev.tidemark.journal;

import java.util.Arrays;

/**
 * What a stretch of runs changed in a volume. Goes through the volume in windows: each span that
 * covers the stretch adds what it has in the window, then the sorted union is handed out. So memory
 * is bounded by a window's content, however many spans there are.
 */
final class ChangedRanges {
    private static final int WINDOW_SHIFT = 28;
    private static final long WINDOW_BYTES = 1L << WINDOW_SHIFT;
    private static final int COMPACT_COUNT = 64 << 10;

    private final SpanSet spans;
    private final IndexCursor cursor;
    private final long fromRun;
    private final long toRun;

    /**
     * Ranges of the window as start in the upper half and end in the lower, which sort as they are.
     */
    private long[] ranges = new long[256];

    private int count;
    private int compactAt = COMPACT_COUNT;

    /** Lowest changed offset behind the window. */
    private long nextBytes;

    private long pendingOffsetBytes;
    private long pendingEndBytes;

    ChangedRanges(SpanSet spans, IndexReader reader, long fromRun, long toRun) {
        this.spans = spans;
        this.cursor = new IndexCursor(reader, IndexReader.Reach.DISK);
        this.fromRun = fromRun;
        this.toRun = toRun;
    }

    void visit(int volume, ChangeVisitor visitor) throws JournalException {
        for (long window = 0; window != Long.MAX_VALUE; ) {
            nextBytes = Long.MAX_VALUE;
            count = 0;
            collect(volume, window);
            union();
            for (int i = 0; i < count; i++) {
                emit(window + (ranges[i] >>> 32), window + (int) ranges[i], visitor);
            }
            window =
                    nextBytes == Long.MAX_VALUE
                            ? Long.MAX_VALUE
                            : nextBytes >>> WINDOW_SHIFT << WINDOW_SHIFT;
        }
        if (pendingEndBytes > pendingOffsetBytes) {
            visitor.changed(pendingOffsetBytes, pendingEndBytes - pendingOffsetBytes);
        }
    }

    private void collect(int volume, long window) throws JournalException {
        long run = fromRun + 1;
        while (run <= toRun) {
            int level = spans.widestAt(run, toRun);
            cursor.open(spans, level, (run - 1) / spans.width(level));
            collectSpan(volume, window);
            run += spans.width(level);
        }
    }

    private void collectSpan(int volume, long window) throws JournalException {
        boolean live = cursor.seek(volume, window);
        while (live && cursor.volume() == volume) {
            if (cursor.offsetBytes() >= window + WINDOW_BYTES) {
                nextBytes = Math.min(nextBytes, cursor.offsetBytes());
                return;
            }
            long start = Math.max(0, cursor.offsetBytes() - window);
            long end = cursor.endBytes() - window;
            if (end > WINDOW_BYTES) {
                nextBytes = Math.min(nextBytes, window + WINDOW_BYTES);
                end = WINDOW_BYTES;
            }
            add(start << 32 | end);
            live = cursor.next();
        }
    }

    private void add(long range) {
        if (count == compactAt) {
            union();
            compactAt = Math.max(COMPACT_COUNT, count * 2);
        }
        if (count == ranges.length) {
            ranges = Arrays.copyOf(ranges, count * 2);
        }
        ranges[count++] = range;
    }

    /** Sorts the ranges and joins those that overlap or touch. */
    private void union() {
        Arrays.sort(ranges, 0, count);
        int joined = 0;
        for (int i = 0; i < count; i++) {
            long start = ranges[i] >>> 32;
            if (joined > 0 && start <= (int) ranges[joined - 1]) {
                long end = Math.max((int) ranges[i], (int) ranges[joined - 1]);
                ranges[joined - 1] = ranges[joined - 1] >>> 32 << 32 | end;
            } else {
                ranges[joined++] = ranges[i];
            }
        }
        count = joined;
    }

    private void emit(long offsetBytes, long endBytes, ChangeVisitor visitor) {
        if (offsetBytes == pendingEndBytes && pendingEndBytes > pendingOffsetBytes) {
            pendingEndBytes = endBytes;
            return;
        }
        if (pendingEndBytes > pendingOffsetBytes) {
            visitor.changed(pendingOffsetBytes, pendingEndBytes - pendingOffsetBytes);
        }
        pendingOffsetBytes = offsetBytes;
        pendingEndBytes = endBytes;
    }
}
