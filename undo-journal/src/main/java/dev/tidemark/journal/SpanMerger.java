package dev.tidemark.journal;

import org.jspecify.annotations.Nullable;

/**
 * Merges the spans of an undo log in small steps, the lowest level first, so that the newest
 * history is quick to search soonest. Merging may lag as far as it likes: a lookup uses what is
 * there. Owned by the maintenance executor.
 */
final class SpanMerger {
    /** About a millisecond of work. */
    private static final int ENTRIES_PER_STEP = 4096;

    private static final int STAGE_BYTES = 256 << 10;

    private final UndoLog log;
    private final IndexReader reader;
    private final UndoStage stage;
    private @Nullable SpanMerge current;

    SpanMerger(UndoLog log, IndexReader reader, UndoSegments segments, UndoAppender appender) {
        this.log = log;
        this.reader = reader;
        this.stage = new UndoStage(segments, appender, STAGE_BYTES, 1);
    }

    /** Does a piece of what is due; false when nothing is. */
    boolean step() throws JournalException {
        SpanSet spans = log.spans();
        SpanMerge merge = current;
        if (merge != null && merge.firstRun() <= spans.tailRun()) {
            stop();
            merge = null;
        }
        if (merge == null) {
            int level = due(spans);
            if (level == 0) {
                return false;
            }
            merge = begin(spans, level);
            if (merge == null) {
                return true;
            }
        }
        advance(merge);
        return true;
    }

    /** Lowest level whose next span has everything it is merged from, or 0. */
    private static int due(SpanSet spans) {
        for (int level = 1; level <= SpanSet.MAXIMUM_LEVEL; level++) {
            long below = (spans.level(level).end() + 1) * spans.fanOut();
            if (spans.level(level - 1).end() >= below) {
                return level;
            }
        }
        return 0;
    }

    private @Nullable SpanMerge begin(SpanSet spans, int level) throws JournalException {
        long number = spans.level(level).end();
        for (int i = 0; i < spans.fanOut(); i++) {
            if (!spans.level(level - 1).has(number * spans.fanOut() + i)) {
                log.publishAbsent(level);
                return null;
            }
        }
        stage.restart();
        try {
            current = new SpanMerge(spans, level, number, reader, stage);
        } catch (JournalException failure) {
            giveUp(level, failure);
        }
        return current;
    }

    private void advance(SpanMerge merge) throws JournalException {
        try {
            if (merge.step(ENTRIES_PER_STEP)) {
                return;
            }
            SpanDescriptor span = merge.finish();
            stage.finish();
            current = null;
            log.publishSpan(span, stage);
        } catch (JournalException failure) {
            giveUp(merge.level(), failure);
        }
    }

    /**
     * A corrupt source is never merged: lookups meet it below, and say so, only when they need it.
     * Everything else may pass.
     */
    private void giveUp(int level, JournalException failure) throws JournalException {
        stop();
        if (failure.kind() != JournalException.Kind.CORRUPT) {
            throw failure;
        }
        log.publishAbsent(level);
    }

    private void stop() {
        current = null;
        stage.discard();
    }
}
