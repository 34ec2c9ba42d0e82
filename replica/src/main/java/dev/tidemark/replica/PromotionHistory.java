package dev.tidemark.replica;

import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.PointException;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.journal.RecordCursor;
import dev.tidemark.journal.RecordKind;
import java.util.List;

/**
 * Finds out from the journal what was written between a PROMOTE record and a later point. Blocking.
 */
final class PromotionHistory {
    private PromotionHistory() {}

    /**
     * Marks as written what the undo runs from the PROMOTE record to {@code base} and the redo
     * records from there to {@code lastSequence} have changed.
     *
     * @param base newest boundary not after the point or gold; may lie before the PROMOTE record
     */
    static void fill(
            Promoted promoted,
            Journal journal,
            List<Integer> volumes,
            long promoteSequence,
            Boundary base,
            long lastSequence)
            throws JournalException {
        if (base.sequence() > promoteSequence) {
            Boundary start = boundaryAt(journal, promoteSequence);
            for (int volume : volumes) {
                journal.visitChanged(
                        start,
                        base,
                        volume,
                        (offset, length) -> promoted.written(volume, offset, length));
            }
        }
        if (lastSequence > base.sequence()) {
            fillFromRedo(
                    promoted,
                    journal,
                    Math.max(promoteSequence, base.sequence()),
                    base,
                    lastSequence);
        }
    }

    private static Boundary boundaryAt(Journal journal, long sequence) throws JournalException {
        try {
            return journal.resolve(new PointSpec.AtSequence(sequence)).base();
        } catch (PointException gone) {
            throw new IllegalStateException(
                    "the boundary of the promotion at " + sequence + " is gone", gone);
        }
    }

    private static void fillFromRedo(
            Promoted promoted, Journal journal, long after, Boundary base, long lastSequence)
            throws JournalException {
        try (RecordCursor cursor = journal.redo().cursor(base.redo())) {
            while (cursor.next() && cursor.sequence() <= lastSequence) {
                boolean changes =
                        cursor.kind() == RecordKind.WRITE || cursor.kind() == RecordKind.ZERO;
                if (changes && cursor.sequence() > after) {
                    promoted.written(cursor.volume(), cursor.offsetBytes(), cursor.lengthBytes());
                }
            }
        }
    }
}
