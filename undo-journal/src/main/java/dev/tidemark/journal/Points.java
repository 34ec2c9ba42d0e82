package dev.tidemark.journal;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** Finds exact points and says precisely why there is none. Thread-safe; may wait for a disk. */
final class Points {
    private final ManifestState state;
    private final Marks marks;
    private final RecordLog redo;
    private final LongSupplier clockMicros;

    Points(ManifestState state, Marks marks, RecordLog redo, LongSupplier clockMicros) {
        this.state = state;
        this.marks = marks;
        this.redo = redo;
        this.clockMicros = clockMicros;
    }

    Point resolve(PointSpec spec) throws PointException, JournalException {
        return switch (spec) {
            case PointSpec.Latest latest -> atSequence(redo.lastSequence());
            case PointSpec.AtSequence at -> checkedSequence(at.sequence());
            case PointSpec.AtTime at -> atTime(at.timeMicros());
            case PointSpec.AtCheckpoint at -> named(at.name());
        };
    }

    private Point checkedSequence(long sequence) throws PointException, JournalException {
        long head = redo.lastSequence();
        if (sequence > head) {
            throw new PointException(
                    PointException.Reason.TOO_NEW,
                    "sequence number "
                            + sequence
                            + " is after the newest, "
                            + head
                            + "; choose one up to "
                            + head);
        }
        if (sequence < state.tail().sequence()) {
            throw tooOld("sequence number " + sequence);
        }
        return atSequence(sequence);
    }

    private PointException tooOld(String asked) {
        Boundary tail = state.tail();
        return new PointException(
                PointException.Reason.TOO_OLD,
                asked
                        + " is before the oldest point kept, sequence number "
                        + tail.sequence()
                        + " at "
                        + text(tail.timeMicros())
                        + "; choose that or a later one");
    }

    private Point named(String name) throws PointException, JournalException {
        Marks.Mark mark = marks.named(name);
        if (mark != null) {
            return atSequence(mark.checkpoint().sequence());
        }
        Boundary boundary = state.named(name);
        if (boundary == null) {
            throw new PointException(
                    PointException.Reason.UNKNOWN_NAME,
                    "no checkpoint is called \""
                            + name
                            + "\" among the "
                            + state.taggedCount()
                            + " named ones kept since "
                            + text(state.tail().timeMicros())
                            + "; list the checkpoints to see their names");
        }
        return atSequence(boundary.sequence());
    }

    private Point atTime(long timeMicros) throws PointException, JournalException {
        long now = clockMicros.getAsLong();
        long headTime = redo.lastTimeMicros();
        if (timeMicros >= headTime) {
            if (timeMicros > Math.max(now, headTime)) {
                throw new PointException(
                        PointException.Reason.TOO_NEW,
                        "time "
                                + text(timeMicros)
                                + " is in the future: it is "
                                + text(now)
                                + "; choose an earlier one");
            }
            return atSequence(redo.lastSequence());
        }
        Boundary before = state.floorTime(timeMicros);
        if (before == null) {
            throw tooOld("time " + text(timeMicros));
        }
        Boundary next = state.after(before);
        long last = next == null ? redo.lastSequence() : next.sequence();
        return redoReaches(before.redo(), last)
                ? lastUpTo(before, last, timeMicros)
                : checkpointUpTo(before);
    }

    /** The last record with a time up to this, among those after a boundary up to {@code last}. */
    private Point lastUpTo(Boundary before, long last, long timeMicros)
            throws PointException, JournalException {
        Position from = before.redo();
        long sequence = before.sequence();
        Marks.Mark mark = marks.floorTime(timeMicros);
        if (mark != null && mark.checkpoint().sequence() > sequence) {
            from = mark.end();
            sequence = mark.checkpoint().sequence();
        }
        try (RecordCursor cursor = redo.cursor(from, last)) {
            while (cursor.next() && cursor.timeMicros() <= timeMicros) {
                sequence = cursor.sequence();
            }
        }
        return atSequence(sequence);
    }

    private Point checkpointUpTo(Boundary before) throws PointException, JournalException {
        List<Checkpoint> found = new ArrayList<>();
        state.checkpoints(0, before.timeMicros(), 1, false, found);
        Boundary tail = state.tail();
        long sequence = found.isEmpty() ? tail.sequence() : found.getFirst().sequence();
        return atSequence(sequence);
    }

    private Point atSequence(long sequence) throws PointException, JournalException {
        Boundary gold = state.gold();
        Boundary base = state.floorSequence(Math.min(sequence, gold.sequence()));
        if (base == null) {
            throw tooOld("sequence number " + sequence);
        }
        if (base.sequence() == sequence) {
            return new Point(sequence, base.timeMicros(), base, base.checkpoint());
        }
        Marks.Mark mark = marks.at(sequence);
        if (mark != null) {
            Checkpoint checkpoint = mark.checkpoint();
            return new Point(sequence, checkpoint.timeMicros(), base, checkpoint);
        }
        Boundary exact = state.floorSequence(sequence);
        if (exact != null && exact.sequence() == sequence) {
            return new Point(sequence, exact.timeMicros(), base, exact.checkpoint());
        }
        if (!redoReaches(base.redo(), sequence)) {
            throw notFine(sequence, base);
        }
        return new Point(sequence, timeOf(base.redo(), sequence), base, null);
    }

    private PointException notFine(long sequence, Boundary base) {
        Boundary next = state.after(base);
        return new PointException(
                PointException.Reason.NOT_FINE,
                "sequence number "
                        + sequence
                        + " lies between two kept points, and single writes of that time are not"
                        + " kept any more; the nearest are "
                        + base.sequence()
                        + " at "
                        + text(base.timeMicros())
                        + (next == null
                                ? ""
                                : " and " + next.sequence() + " at " + text(next.timeMicros())));
    }

    /** True when every record from a place up to a sequence number is kept. */
    boolean redoReaches(Position from, long sequence) {
        if (sequence < from.sequence()) {
            return true;
        }
        if (sequence > redo.lastSequence()) {
            return false;
        }
        return redo.reaches(from, sequence);
    }

    private long timeOf(Position from, long sequence) throws JournalException {
        try (RecordCursor cursor = redo.cursor(from, sequence)) {
            long timeMicros = 0;
            while (cursor.next()) {
                timeMicros = cursor.timeMicros();
            }
            return timeMicros;
        }
    }

    static Instant text(long micros) {
        return SegmentHeader.instant(micros);
    }
}
