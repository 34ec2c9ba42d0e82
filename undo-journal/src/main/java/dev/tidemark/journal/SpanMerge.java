package dev.tidemark.journal;

/**
 * One merge under way: consecutive spans of a level become one of the level above. Where several
 * have an entry for an address the earliest span's wins, because a before-image is what the first
 * overwrite replaced. Streams: one block per height and span in memory. Not thread-safe.
 */
final class SpanMerge {
    private final IndexTreeWriter target;
    private final IndexCursor[] sources;
    private final boolean[] live;
    private final int level;
    private final long firstRun;
    private final long lastRun;

    /** Begins to merge the spans below span {@code number} of {@code level}. */
    SpanMerge(SpanSet spans, int level, long number, IndexReader reader, UndoStage stage)
            throws JournalException {
        this.level = level;
        this.firstRun = number * spans.width(level) + 1;
        this.lastRun = firstRun + spans.width(level) - 1;
        this.target = new IndexTreeWriter(stage, level, firstRun);
        this.sources = new IndexCursor[spans.fanOut()];
        this.live = new boolean[sources.length];
        for (int i = 0; i < sources.length; i++) {
            sources[i] = new IndexCursor(reader, IndexReader.Reach.PASSING);
            sources[i].open(spans, level - 1, number * spans.fanOut() + i);
            live[i] = sources[i].seek(0, 0);
        }
    }

    int level() {
        return level;
    }

    long firstRun() {
        return firstRun;
    }

    /**
     * Merges until that many entries more were written or nothing is left; true while something is.
     */
    boolean step(int entries) throws JournalException {
        long until = target.entries() + entries;
        int first = first();
        while (first >= 0 && target.entries() < until) {
            emit(first);
            first = first();
        }
        return first >= 0;
    }

    /**
     * The source that begins lowest, the earliest of those that begin equally low; -1 at the end.
     */
    private int first() {
        int first = -1;
        for (int i = 0; i < sources.length; i++) {
            if (live[i] && (first < 0 || isBefore(sources[i], sources[first]))) {
                first = i;
            }
        }
        return first;
    }

    private static boolean isBefore(IndexCursor a, IndexCursor b) {
        return a.volume() < b.volume()
                || (a.volume() == b.volume() && a.offsetBytes() < b.offsetBytes());
    }

    /**
     * Writes the winner's entry up to where an earlier source begins, and moves everything past
     * that.
     */
    private void emit(int winner) throws JournalException {
        IndexCursor entry = sources[winner];
        int volume = entry.volume();
        long endBytes = entry.endBytes();
        for (int i = 0; i < winner; i++) {
            if (live[i] && sources[i].volume() == volume) {
                endBytes = Math.min(endBytes, sources[i].offsetBytes());
            }
        }
        write(entry, endBytes);
        for (int i = 0; i < sources.length; i++) {
            advance(i, volume, endBytes);
        }
    }

    private void write(IndexCursor entry, long endBytes) throws JournalException {
        long offsetBytes = entry.offsetBytes();
        long lengthBytes = endBytes - offsetBytes;
        if (entry.segment() == 0) {
            target.addZero(entry.volume(), offsetBytes, lengthBytes);
            return;
        }
        target.add(
                entry.volume(),
                offsetBytes,
                (int) lengthBytes,
                IndexFormat.location(entry.segment(), entry.position()),
                entry.crc(),
                (int) (offsetBytes - entry.imageOffsetBytes()),
                entry.imageBytes());
    }

    private void advance(int source, int volume, long endBytes) throws JournalException {
        IndexCursor cursor = sources[source];
        while (live[source] && cursor.volume() == volume && cursor.offsetBytes() < endBytes) {
            if (cursor.endBytes() > endBytes) {
                cursor.clip(endBytes);
            } else {
                live[source] = cursor.next();
            }
        }
    }

    SpanDescriptor finish() throws JournalException {
        return target.finish(lastRun, 0);
    }
}
