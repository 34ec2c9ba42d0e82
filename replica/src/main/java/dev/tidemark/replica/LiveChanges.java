package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.RunSweep;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What changed on a live disk since a point, as of each question: layers first, then the runs, so
 * that what is folded in between is in both. The interval in which the point lies counts as a
 * whole, unless it is known what was written in it after the point. Thread-safe.
 *
 * <p>While a rollback or promotion that began after the point is copied, the disk reads as the
 * promoted image, so that what differs from the point is among what changed since the earlier of
 * the two points and what the image has written.
 */
final class LiveChanges implements ChangedMap.Changes {
    private final Journal journal;
    private final Head head;
    private final int volume;
    private final long sinceSequence;

    /** What was written in the point's interval after it, and where that ends; else null. */
    private final @Nullable FirstInterval first;

    /** The rest of the interval in which a point lies. */
    record FirstInterval(Boundary end, ExtentMap written) {}

    LiveChanges(
            Journal journal,
            Head head,
            int volume,
            long sinceSequence,
            @Nullable FirstInterval first) {
        this.journal = journal;
        this.head = head;
        this.volume = volume;
        this.sinceSequence = sinceSequence;
        this.first = first;
    }

    @Override
    public RunSweep look(long offsetBytes, long lengthBytes, ExtentMap.Visitor written)
            throws JournalException {
        Promoted promoted = head.promoted();
        long since = sinceSequence;
        if (promoted != null && promoted.covers(volume) && promoted.sequence() > since) {
            promoted.visitOwn(volume, offsetBytes, lengthBytes, written);
            since = Math.min(since, promoted.pointSequence());
        }
        for (Layer layer : head.layers()) {
            Layer.End end = layer.end();
            if (end == null || end.sequence() > since) {
                layer.visit(volume, offsetBytes, lengthBytes, written);
            }
        }
        if (first != null && since == sinceSequence) {
            first.written.visit(offsetBytes, lengthBytes, written);
            return journal.sweep(first.end.run());
        }
        Boundary base = Objects.requireNonNull(journal.boundaryUpTo(since), "the pin holds it");
        return journal.sweep(base.run());
    }

    @Override
    public @Nullable Object state() {
        return head.promoted();
    }
}
