package dev.tidemark.replica;

import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * The promotions that have ended within the history window, each with the points it took away: they
 * would need its image, which is gone. Changed on the maintenance executor, asked from any thread.
 */
final class EndedPromotions {
    /**
     * What a copy remembers at most within its window: each is an attribute of the manifest, and
     * the source says how many there are.
     */
    static final int MAXIMUM_OF_A_COPY = 4096;

    /** Of them, those that have not ended. A source begins one when the one before has. */
    static final int MAXIMUM_OPEN_OF_A_COPY = 16;

    private final Journal journal;
    private volatile List<PromotionRecord.Ended> ended = List.of();

    EndedPromotions(Journal journal) {
        this.journal = journal;
    }

    /** Reads what the manifest knows. */
    void recover() throws ReplicaException {
        List<PromotionRecord.Ended> found = new ArrayList<>();
        for (Map.Entry<String, byte[]> entry : journal.attributes().entrySet()) {
            if (entry.getKey().startsWith(PromotionRecord.ENDED_PREFIX)) {
                found.add(PromotionRecord.Ended.decode(entry.getKey(), entry.getValue()));
            }
        }
        ended = List.copyOf(found);
    }

    /** Adds one and forgets those that the window has left behind; forced with the next edit. */
    void add(PromotionRecord.Ended more) throws JournalException {
        journal.putAttribute(more.key(), more.encode(), false);
        List<PromotionRecord.Ended> kept = withinWindow();
        kept.add(more);
        ended = List.copyOf(kept);
    }

    /** Those that the window has not left behind; the others are forgotten with the next edit. */
    private List<PromotionRecord.Ended> withinWindow() throws JournalException {
        long tail = journal.history().tail().sequence();
        List<PromotionRecord.Ended> kept = new ArrayList<>();
        for (PromotionRecord.Ended past : ended) {
            if (past.last() <= tail) {
                journal.deleteAttribute(past.key(), false);
            } else {
                kept.add(past);
            }
        }
        return kept;
    }

    /**
     * Refuses a source that begins and begins, and ends none. A synchronisation ends those that are
     * open.
     */
    void requireFewOpen() throws ReplicaException {
        long open = ended.stream().filter(past -> past.last() == Long.MAX_VALUE).count();
        if (open >= MAXIMUM_OPEN_OF_A_COPY) {
            throw RecordWire.malformed(
                    "a rollback or promotion begins while "
                            + open
                            + " have not ended, more than a source has");
        }
    }

    /** Refuses one more of a copy while its window has as many as it may: that passes. */
    void requireRoom() throws ReplicaException, JournalException {
        if (ended.size() < MAXIMUM_OF_A_COPY) {
            return;
        }
        ended = List.copyOf(withinWindow());
        if (ended.size() >= MAXIMUM_OF_A_COPY) {
            throw new ReplicaException(
                    ReplicaException.Kind.FAILED,
                    "the copy's history has "
                            + ended.size()
                            + " rollbacks, promotions and synchronisations, and takes no more than "
                            + MAXIMUM_OF_A_COPY
                            + " until its window has passed some; a shorter window passes them"
                            + " sooner");
        }
    }

    /** One whose end is not known yet begins with the record of this number. */
    void begin(long first) throws JournalException {
        begin(first, false);
    }

    /** The same, of a synchronisation. */
    void beginSync(long first) throws JournalException {
        begin(first, true);
    }

    private void begin(long first, boolean synchronised) throws JournalException {
        if (ended.stream().noneMatch(past -> past.first() == first)) {
            add(new PromotionRecord.Ended(first, Long.MAX_VALUE, synchronised, ""));
        }
    }

    /** The stretches without points that are younger than a record, oldest first. */
    List<PromotionRecord.Ended> after(long sequence) {
        return ended.stream()
                .filter(past -> past.last() > sequence && past.last() > past.first())
                .sorted(Comparator.comparingLong(PromotionRecord.Ended::first))
                .toList();
    }

    /** Whether there is one whose end is not known yet. */
    boolean hasOpen() {
        return ended.stream().anyMatch(past -> past.last() == Long.MAX_VALUE);
    }

    /** The one whose end was not known ends with the record of this number. */
    void end(long last) throws JournalException {
        end(last, "");
    }

    /**
     * The same.
     *
     * @param why there are no points in it
     */
    void end(long last, String why) throws JournalException {
        List<PromotionRecord.Ended> all = new ArrayList<>();
        for (PromotionRecord.Ended past : ended) {
            boolean open = past.last() == Long.MAX_VALUE;
            PromotionRecord.Ended known = open ? past.endingAt(last, why) : past;
            if (open) {
                journal.putAttribute(known.key(), known.encode(), true);
            }
            all.add(known);
        }
        ended = List.copyOf(all);
    }

    /** Refuses a point that one of them took away. */
    void check(long sequence) throws ReplicaException {
        for (PromotionRecord.Ended past : ended) {
            if (isInside(past, sequence) && past.last() == Long.MAX_VALUE) {
                throw new ReplicaException(
                        ReplicaException.Kind.OUTSIDE_WINDOW,
                        "sequence number "
                                + sequence
                                + " lies inside a rollback or promotion at the source that has not"
                                + " ended; the newest point before it is seq:"
                                + (past.first() - 1));
            }
            if (isInside(past, sequence)) {
                throw new ReplicaException(
                        ReplicaException.Kind.OUTSIDE_WINDOW,
                        "sequence number "
                                + sequence
                                + " lies inside the rollback or promotion from "
                                + past.first()
                                + " to "
                                + past.last()
                                + ": when that ended, the points inside it went, tagged"
                                + " checkpoints among them; the nearest are seq:"
                                + (past.first() - 1)
                                + " before it and seq:"
                                + past.last()
                                + " at its end");
            }
        }
    }

    boolean contain(long sequence) {
        return ended.stream().anyMatch(past -> isInside(past, sequence));
    }

    /** The newest point up to a record that none of them took away. */
    long lastBefore(long sequence) {
        long found = sequence;
        for (PromotionRecord.Ended past : ended) {
            if (isInside(past, sequence)) {
                found = Math.min(found, past.first() - 1);
            }
        }
        return found == sequence ? found : lastBefore(found);
    }

    private static boolean isInside(PromotionRecord.Ended past, long sequence) {
        return sequence >= past.first() && sequence < past.last();
    }
}
