package dev.tidemark.journal;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * All runs and spans known at one moment; immutable. Level k holds spans of {@code fanOut^k}
 * consecutive, aligned runs, level 0 the runs themselves.
 */
final class SpanSet {
    /**
     * Levels above this are not merged: with a fan-out of 4 the last one covers 68 years of one run
     * a second.
     */
    static final int MAXIMUM_LEVEL = 15;

    private final int fanOut;
    private final SpanTable[] levels;
    private final long[] widths;

    private SpanSet(int fanOut, SpanTable[] levels, long[] widths) {
        this.fanOut = fanOut;
        this.levels = levels;
        this.widths = widths;
    }

    static SpanSet empty(int fanOut, long tailRun) {
        long[] widths = new long[MAXIMUM_LEVEL + 1];
        SpanTable[] levels = new SpanTable[MAXIMUM_LEVEL + 1];
        widths[0] = 1;
        for (int level = 0; level <= MAXIMUM_LEVEL; level++) {
            if (level > 0) {
                widths[level] = widths[level - 1] * fanOut;
            }
            levels[level] = SpanTable.empty(firstNumber(tailRun, widths[level]));
        }
        return new SpanSet(fanOut, levels, widths);
    }

    /**
     * The set that these descriptors make. Spans of another shape than the fan-out's, or twice
     * there, are left out: they would be merged again or never used.
     *
     * @param descriptors runs ascending without a gap, merged spans in any order
     */
    static SpanSet of(int fanOut, long tailRun, List<SpanDescriptor> descriptors)
            throws JournalException {
        SpanSet set = empty(fanOut, tailRun);
        List<SpanDescriptor> sorted = new ArrayList<>(descriptors);
        sorted.sort(
                Comparator.comparingInt(SpanDescriptor::level)
                        .thenComparingLong(SpanDescriptor::firstRun));
        for (SpanDescriptor span : sorted) {
            set.take(span);
        }
        return set;
    }

    /** Adds to this set itself; only while it is being made. */
    private void take(SpanDescriptor span) throws JournalException {
        long width = widths[Math.min(span.level(), MAXIMUM_LEVEL)];
        long number = (span.firstRun() - 1) / width;
        boolean fits =
                span.level() <= MAXIMUM_LEVEL
                        && number * width == span.firstRun() - 1
                        && span.lastRun() - span.firstRun() + 1 == width;
        if (!fits || (span.level() > 0 && span.lastRun() > newestRun())) {
            return;
        }
        SpanTable table = levels[span.level()];
        if (number < table.end()) {
            return;
        }
        if (span.level() == 0 && number > table.end()) {
            throw new JournalException(
                    JournalException.Kind.CORRUPT,
                    "the manifest has undo run "
                            + span.firstRun()
                            + " but not run "
                            + (table.end() + 1)
                            + " before it; restore the manifest, or give up this history");
        }
        while (table.end() < number) {
            table = table.withAbsent();
        }
        levels[span.level()] = table.with(span);
    }

    /** Number of the first span that begins after {@code run}. */
    private static long firstNumber(long run, long width) {
        return Math.ceilDiv(run, width);
    }

    int fanOut() {
        return fanOut;
    }

    /** Last run that is gone; 0 when none is. */
    long tailRun() {
        return levels[0].base();
    }

    long newestRun() {
        return levels[0].end();
    }

    SpanTable level(int level) {
        return levels[level];
    }

    long width(int level) {
        return widths[level];
    }

    /** Level of the widest span that begins with {@code run} and ends by {@code lastRun}. */
    int widestAt(long run, long lastRun) {
        int level = 0;
        while (level < MAXIMUM_LEVEL) {
            long width = widths[level + 1];
            long number = (run - 1) / width;
            if (number * width != run - 1
                    || run - 1 + width > lastRun
                    || !levels[level + 1].has(number)) {
                break;
            }
            level++;
        }
        return level;
    }

    /** Number of spans that a lookup in the runs after {@code run} goes through. */
    int coverCount(long run) {
        int count = 0;
        for (long next = run + 1; next <= newestRun(); count++) {
            next += widths[widestAt(next, newestRun())];
        }
        return count;
    }

    SpanSet with(SpanDescriptor span) {
        return replacing(span.level(), levels[span.level()].with(span));
    }

    SpanSet withAbsent(int level) {
        return replacing(level, levels[level].withAbsent());
    }

    private SpanSet replacing(int level, SpanTable table) {
        SpanTable[] copy = levels.clone();
        copy[level] = table;
        return new SpanSet(fanOut, copy, widths);
    }

    /**
     * This set without the runs up to {@code run} and without the spans that contain one of them.
     */
    SpanSet after(long run) {
        SpanTable[] copy = levels.clone();
        for (int level = 0; level <= MAXIMUM_LEVEL; level++) {
            copy[level] = copy[level].from(firstNumber(run, widths[level]));
        }
        return new SpanSet(fanOut, copy, widths);
    }

    /** Everything needed to build this set again: runs first, then spans by level. */
    List<SpanDescriptor> descriptors() {
        List<SpanDescriptor> all = new ArrayList<>();
        for (int level = 0; level <= MAXIMUM_LEVEL; level++) {
            SpanTable table = levels[level];
            for (long number = table.base(); number < table.end(); number++) {
                if (table.has(number)) {
                    all.add(descriptor(level, number));
                }
            }
        }
        return all;
    }

    SpanDescriptor descriptor(int level, long number) {
        SpanTable table = levels[level];
        long root = table.root(number);
        long firstRun = number * widths[level] + 1;
        return new SpanDescriptor(
                level,
                firstRun,
                firstRun + widths[level] - 1,
                table.startSegment(number),
                IndexFormat.segmentOf(root),
                IndexFormat.positionOf(root),
                table.rootBytes(number),
                table.entries(number),
                table.dataBytes(number));
    }
}
