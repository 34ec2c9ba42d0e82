package dev.tidemark.journal;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The order of a log's segments, by what their headers say comes before them. Retention may have
 * left islands: segments some pin still needs while their neighbours have gone.
 */
final class SegmentChain {
    private SegmentChain() {}

    /** The segments from the oldest without a gap up to {@code last}. */
    static List<Segment> upTo(SegmentStore store, Segment last) {
        ArrayList<Segment> chain = new ArrayList<>();
        Segment segment = last;
        while (segment != null) {
            chain.add(segment);
            long previous = segment.header().previous();
            segment = previous == 0 ? null : store.segment(previous);
        }
        return chain.reversed();
    }

    /**
     * The segments from the one that holds a place on, as far as there is no gap; empty when it has
     * gone.
     */
    static List<Segment> from(SegmentStore store, Position from) {
        List<Segment> used = store.segments().stream().filter(s -> s.header().used()).toList();
        List<Segment> chain = new ArrayList<>();
        Segment segment = holding(used, from);
        while (segment != null) {
            chain.add(segment);
            segment = after(used, segment.number());
        }
        return chain;
    }

    private static @Nullable Segment holding(List<Segment> used, Position from) {
        for (Segment segment : used) {
            if (segment.number() == from.segment()
                    || (segment.number() > from.segment()
                            && segment.header().first() == from.sequence())) {
                return segment;
            }
        }
        return null;
    }

    private static @Nullable Segment after(List<Segment> used, long number) {
        for (Segment segment : used) {
            if (segment.header().previous() == number) {
                return segment;
            }
        }
        return null;
    }
}
