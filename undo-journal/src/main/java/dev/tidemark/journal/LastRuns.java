package dev.tidemark.journal;

import dev.tidemark.blockdevice.ExtentMap;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds for every byte of a range the newest run of a stretch that changed it. Merged spans name
 * the earliest run of each address and tell only whether any changed it; so the search goes from
 * the newest span to the oldest, and inside of a span that has something from its newest part to
 * its oldest, down to single runs. Waits for the disk. Not thread-safe.
 */
public final class LastRuns {
    private final SpanSet spans;
    private final IndexCursor cursor;
    private final long fromRun;
    private final long toRun;

    /** Over the runs in (fromRun, toRun]. */
    LastRuns(SpanSet spans, IndexReader reader, long fromRun, long toRun) {
        this.spans = spans;
        this.cursor = new IndexCursor(reader, IndexReader.Reach.DISK);
        this.fromRun = fromRun;
        this.toRun = toRun;
    }

    /** A span by level and number. */
    private record Span(int level, long number) {}

    /** A stretch of addresses; empty when it ends where it starts. */
    private record Range(long startBytes, long endBytes) {
        boolean isEmpty() {
            return startBytes >= endBytes;
        }
    }

    /**
     * Puts the number of the newest run, as the first value, over every part of the range that some
     * run changed and that {@code into} has nothing for yet.
     */
    public void find(int volume, long offsetBytes, long lengthBytes, ExtentMap into)
            throws JournalException {
        List<Span> cover = new ArrayList<>();
        for (long run = fromRun + 1; run <= toRun; ) {
            int level = spans.widestAt(run, toRun);
            cover.add(new Span(level, (run - 1) / spans.width(level)));
            run += spans.width(level);
        }
        Range range = new Range(offsetBytes, offsetBytes + lengthBytes);
        for (Span span : cover.reversed()) {
            find(span, volume, range, into);
        }
    }

    private void find(Span span, int volume, Range range, ExtentMap into) throws JournalException {
        List<Range> open = open(span, volume, range, into);
        if (open.isEmpty()) {
            return;
        }
        if (span.level == 0) {
            for (Range part : open) {
                long length = part.endBytes - part.startBytes;
                into.put(part.startBytes, length, span.number + 1, 0);
            }
            return;
        }
        Range touched = new Range(open.getFirst().startBytes, open.getLast().endBytes);
        long first = span.number * spans.fanOut();
        for (int i = spans.fanOut() - 1; i >= 0; i--) {
            find(new Span(span.level - 1, first + i), volume, touched, into);
        }
    }

    /**
     * What a span changed of a range and nothing newer has; where a span could not be merged,
     * everything that nothing newer has.
     */
    private List<Range> open(Span span, int volume, Range range, ExtentMap into)
            throws JournalException {
        List<Range> open = new ArrayList<>();
        if (!spans.level(span.level).has(span.number)) {
            assert span.level > 0 : "run " + (span.number + 1) + " is not kept";
            addGaps(range, into, open);
            return open;
        }
        cursor.open(spans, span.level, span.number);
        boolean live = cursor.seek(volume, range.startBytes);
        while (live && cursor.volume() == volume && cursor.offsetBytes() < range.endBytes) {
            Range entry =
                    new Range(
                            Math.max(cursor.offsetBytes(), range.startBytes),
                            Math.min(cursor.endBytes(), range.endBytes));
            addGaps(entry, into, open);
            live = cursor.next();
        }
        return open;
    }

    private static void addGaps(Range range, ExtentMap into, List<Range> open) {
        if (range.isEmpty()) {
            return;
        }
        into.visit(
                range.startBytes,
                range.endBytes - range.startBytes,
                new ExtentMap.Visitor() {
                    @Override
                    public void extent(long offset, long length, long origin, long a, long b) {
                        // Something newer has it.
                    }

                    @Override
                    public void gap(long offset, long length) {
                        open.add(new Range(offset, offset + length));
                    }
                });
    }
}
