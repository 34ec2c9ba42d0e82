package dev.tidemark.journal;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the end of a log after a stop of any kind. Blocking; changes nothing on disk.
 *
 * <p>The newest segment whose header says it is used names the one before it and where that one's
 * last record ends, and so on: this chain is the log. Segments beside it are what a cut left over.
 */
final class LogRecovery {
    /** Sees each valid record from the place on that the scan began at. */
    interface Scan {
        void record(RecordHeader header, Segment segment, RecordReader reader)
                throws JournalException;
    }

    /**
     * What was found.
     *
     * @param chain the log's segments, oldest first; the last one holds the end
     * @param leftOver every other segment with a number above the oldest of the chain
     * @param endPosition where the last record ends in the last segment
     * @param unproven the first record that nobody knows to have been forced; null for none
     */
    record Found(
            List<Segment> chain,
            List<Segment> leftOver,
            int endPosition,
            long lastSequence,
            long lastTimeMicros,
            int generation,
            @Nullable Unproven unproven) {
        Segment last() {
            return chain.getLast();
        }

        /** Those no segment of the log, void or not, can name. */
        List<Segment> madeAhead() {
            long newestUsed =
                    leftOver.stream()
                            .filter(segment -> segment.header().used())
                            .mapToLong(Segment::number)
                            .max()
                            .orElse(last().number());
            return leftOver.stream().filter(s -> s.number() > newestUsed).toList();
        }

        boolean lastIsEmpty() {
            return endPosition == SegmentHeader.RESERVED_BYTES;
        }
    }

    /**
     * A record of which nobody says that it was forced.
     *
     * @param index of its segment in the chain
     */
    record Unproven(long sequence, int index, int position) {}

    private final SegmentStore store;
    private final int owner;
    private final RecordReader reader;
    private final List<Segment> chain = new ArrayList<>();
    private int index;
    private int position;
    private long expected;
    private long lastTimeMicros;
    private long proven;
    private final ArrayDeque<Unproven> unproven = new ArrayDeque<>();

    LogRecovery(SegmentStore store, int owner) {
        this.store = store;
        this.owner = owner;
        this.reader = new RecordReader(owner);
    }

    /**
     * Scans.
     *
     * @param from where to begin; null for the log's first record
     * @param fromTimeMicros timestamp of the record before that
     * @param provenSequence a sequence number known from elsewhere to have been forced
     */
    Found find(@Nullable Position from, long fromTimeMicros, long provenSequence, Scan scan)
            throws JournalException {
        buildChain();
        lastTimeMicros = fromTimeMicros;
        proven = provenSequence;
        start(from);
        while (advance(scan)) {
            // Each step takes one record.
        }
        requireTorn(provenSequence);
        measureIslands();
        int generation = chain.getLast().header().generation();
        List<Segment> kept = List.copyOf(chain.subList(0, index + 1));
        return new Found(
                kept,
                leftOver(kept),
                position,
                expected - 1,
                lastTimeMicros,
                generation,
                unproven.peek());
    }

    private void buildChain() throws JournalException {
        Segment segment = newestUsed(Long.MAX_VALUE);
        while (segment != null) {
            if (!segment.header().used()) {
                // The log had gone on in it and nothing of that was ever forced: neither it nor
                // what came after it can have been.
                chain.clear();
                segment = newestUsed(segment.number());
                continue;
            }
            chain.add(segment);
            SegmentHeader header = segment.header();
            Segment before = header.previous() == 0 ? null : store.segment(header.previous());
            if (before != null) {
                before.end(header.previousEnd(), header.first() - 1);
            }
            segment = before;
        }
        Collections.reverse(chain);
        if (!chain.isEmpty()) {
            markIslands();
        }
    }

    /**
     * Segments before the chain that retention left for some pin: whole, and what follows known.
     */
    private void markIslands() {
        for (Segment segment : store.segments()) {
            SegmentHeader header = segment.header();
            if (header.used()
                    && header.previous() != 0
                    && segment.number() < chain.getFirst().number()) {
                Segment before = store.segment(header.previous());
                if (before != null) {
                    before.end(header.previousEnd(), header.first() - 1);
                }
            }
        }
    }

    private @Nullable Segment newestUsed(long below) {
        Segment newest = null;
        for (Segment segment : store.segments()) {
            if (segment.header().used() && segment.number() < below) {
                newest = segment;
            }
        }
        return newest;
    }

    private void start(@Nullable Position from) throws JournalException {
        if (chain.isEmpty()) {
            throw missing(from == null ? 1 : from.sequence());
        }
        Position wanted = from == null ? new Position(1, SegmentHeader.RESERVED_BYTES, 1) : from;
        for (index = 0; index < chain.size(); index++) {
            Segment segment = chain.get(index);
            if (from != null && segment.number() == from.segment()) {
                position = Math.toIntExact(from.position());
                expected = from.sequence();
                return;
            }
            if (follows(wanted, segment)) {
                position = SegmentHeader.RESERVED_BYTES;
                expected = wanted.sequence();
                return;
            }
        }
        throw missing(wanted.sequence());
    }

    /**
     * The segment asked for has gone, which is right when the log continues in this one: retention
     * let it go, or it was opened and nothing came into it, so that another one took its place.
     */
    private static boolean follows(Position wanted, Segment segment) {
        return segment.header().first() == wanted.sequence()
                && segment.number() >= wanted.segment();
    }

    private JournalException missing(long sequence) {
        return new JournalException(
                JournalException.Kind.CORRUPT,
                store.directory().path()
                        + " lacks the segment that holds record "
                        + sequence
                        + " and what follows; put the missing file back, or restore the folder from"
                        + " a copy");
    }

    private boolean advance(Scan scan) throws JournalException {
        Segment segment = chain.get(index);
        while (segment.dataEnd() != 0 && position == segment.dataEnd()) {
            if (index + 1 == chain.size() || chain.get(index + 1).header().first() != expected) {
                return false;
            }
            segment = chain.get(++index);
            position = SegmentHeader.RESERVED_BYTES;
        }
        RecordHeader header = reader.header();
        if (!reader.read(segment, position)
                || header.sequence != expected
                || header.timeMicros < lastTimeMicros
                || !reader.verifyPayload(segment)) {
            return false;
        }
        scan.record(header, segment, reader);
        note(header);
        lastTimeMicros = header.timeMicros;
        position = header.endPosition();
        expected++;
        return true;
    }

    private void note(RecordHeader header) {
        proven = Math.max(proven, header.durableSequence);
        unproven.add(new Unproven(header.sequence, index, position));
        while (!unproven.isEmpty() && unproven.element().sequence() <= proven) {
            unproven.remove();
        }
    }

    /** Tells a torn tail, which nobody was promised, from damage to what had been forced. */
    private void requireTorn(long provenSequence) throws JournalException {
        Segment end = chain.get(index);
        if (provenSequence >= expected) {
            throw damaged(end, "the manifest");
        }
        for (Segment segment : store.segments()) {
            if (segment.number() >= end.number()) {
                long from = segment.equals(end) ? position : SegmentHeader.RESERVED_BYTES;
                requireNoProof(segment, from, end);
            }
        }
    }

    private void requireNoProof(Segment segment, long from, Segment end) throws JournalException {
        RecordReader search = new RecordReader(owner);
        long found = search.findNext(segment, from);
        while (found >= 0) {
            RecordHeader header = search.header();
            if (header.durableSequence >= expected) {
                throw damaged(
                        end,
                        "record "
                                + header.sequence
                                + " in "
                                + segment.file().path()
                                + " at position "
                                + found);
            }
            found = search.findNext(segment, header.endPosition());
        }
    }

    private JournalException damaged(Segment segment, String witness) {
        return new JournalException(
                JournalException.Kind.CORRUPT,
                segment.file().path()
                        + " at position "
                        + position
                        + ": record "
                        + expected
                        + " is damaged or missing, and "
                        + witness
                        + " proves that it had been forced to disk: this is damage to the disk, not"
                        + " a torn write; nothing was changed; restore the file from a copy, and"
                        + " those that followed it if they are missing");
    }

    /**
     * A segment that a pin kept while its neighbours went: what followed it no longer says where it
     * ends, so its records are counted.
     */
    private void measureIslands() throws JournalException {
        for (Segment segment : store.segments()) {
            if (segment.header().used()
                    && segment.dataEnd() == 0
                    && segment.number() < chain.getFirst().number()) {
                measure(segment);
            }
        }
    }

    private void measure(Segment island) throws JournalException {
        RecordReader counter = new RecordReader(owner);
        RecordHeader header = counter.header();
        long next = island.header().first();
        int end = SegmentHeader.RESERVED_BYTES;
        while (counter.read(island, end) && header.sequence == next) {
            end = header.endPosition();
            next++;
        }
        island.end(end, next - 1);
    }

    private List<Segment> leftOver(List<Segment> kept) {
        Set<Long> numbers = new HashSet<>();
        kept.forEach(segment -> numbers.add(segment.number()));
        return store.segments().stream()
                .filter(s -> s.number() > kept.getFirst().number())
                .filter(s -> !numbers.contains(s.number()))
                .toList();
    }
}
