package dev.tidemark.journal;

import java.util.Objects;

/**
 * The spans of one level, in columns of 24 bytes a span. A table never changes for its readers:
 * {@link #with} shares the arrays and writes only behind the count that older tables know. Only the
 * newest table may be appended to, by one writer at a time.
 *
 * <p>Spans are numbered from 0: number n of level k covers the runs after n times the width. A
 * number can be absent, when its span could not be merged.
 */
final class SpanTable {
    private static final int ABSENT = -1;

    private static final int START_SEGMENT = 0;
    private static final int ROOT_SEGMENT = 1;
    private static final int ROOT_POSITION = 2;
    private static final int ROOT_BYTES = 3;
    private static final int ENTRIES = 4;
    private static final int DATA_BYTES = 5;
    private static final int COLUMNS = 6;

    private final long base;
    private final int count;
    private final int[][] columns;

    private SpanTable(long base, int count, int[][] columns) {
        this.base = base;
        this.count = count;
        this.columns = columns;
    }

    static SpanTable empty(long base) {
        return new SpanTable(base, 0, new int[COLUMNS][16]);
    }

    /** Number of the first span kept. */
    long base() {
        return base;
    }

    /** Number the next span will have. */
    long end() {
        return base + count;
    }

    boolean has(long number) {
        return number >= base && number < end() && get(ROOT_SEGMENT, number) != ABSENT;
    }

    /** Location of the root block, 0 when the span is empty. */
    long root(long number) {
        return IndexFormat.location(get(ROOT_SEGMENT, number), get(ROOT_POSITION, number));
    }

    int rootBytes(long number) {
        return get(ROOT_BYTES, number);
    }

    int startSegment(long number) {
        return get(START_SEGMENT, number);
    }

    long entries(long number) {
        return get(ENTRIES, number) & 0xffff_ffffL;
    }

    long dataBytes(long number) {
        return get(DATA_BYTES, number) & 0xffff_ffffL;
    }

    private int get(int column, long number) {
        return columns[column][Objects.checkIndex(Math.toIntExact(number - base), count)];
    }

    /** This table and the span {@link #end()}. */
    SpanTable with(SpanDescriptor span) {
        return append(
                span.startSegment(),
                span.rootSegment(),
                span.rootPosition(),
                span.rootBytes(),
                (int) span.entries(),
                (int) Math.min(span.dataBytes(), 0xffff_ffffL));
    }

    /** This table, its next number being absent. */
    SpanTable withAbsent() {
        return append(0, ABSENT, 0, 0, 0, 0);
    }

    private SpanTable append(int... values) {
        int[][] target = columns;
        if (count == columns[0].length) {
            target = copied(0, count + (count >> 1) + 16);
        }
        for (int i = 0; i < COLUMNS; i++) {
            target[i][count] = values[i];
        }
        return new SpanTable(base, count + 1, target);
    }

    private int[][] copied(int from, int length) {
        int[][] copy = new int[COLUMNS][length];
        for (int i = 0; i < COLUMNS; i++) {
            System.arraycopy(columns[i], from, copy[i], 0, count - from);
        }
        return copy;
    }

    /** This table without the spans below {@code number}. */
    SpanTable from(long number) {
        if (number <= base) {
            return this;
        }
        int kept = (int) Math.max(0, end() - number);
        return new SpanTable(number, kept, copied(count - kept, kept + 16));
    }

    /**
     * The last number whose first byte was placed in {@code segment} or before, or {@code base -
     * 1}. Level 0 only.
     */
    long lastStartedBy(int segment) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (columns[START_SEGMENT][middle] <= segment) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return base + low - 1;
    }
}
