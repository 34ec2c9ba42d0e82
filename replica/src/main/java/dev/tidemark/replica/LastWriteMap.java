package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.LastRuns;
import dev.tidemark.journal.Pin;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointException;
import dev.tidemark.journal.RunSweep;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The last write of every byte as far as history knows it: exact where the redo records since the
 * last folded boundary tell, else the boundary that ended the write's interval, 0 for what was
 * written before history begins. The oldest history is kept only while a question is answered.
 * Thread-safe.
 */
final class LastWriteMap implements HistoryMap {
    /** Bytes for which single runs are searched at once. */
    private static final long PIECE_BYTES = 4 << 20;

    /** The writes since a boundary, before which the runs tell. */
    interface Recent {
        /** Shows the writes of a range, as (sequence number, time); returns the boundary. */
        Boundary look(long offsetBytes, long lengthBytes, ExtentMap.Visitor writes)
                throws JournalException, PointException;
    }

    private final Journal journal;
    private final int volume;
    private final Mark mark;
    private final Recent recent;
    private final Executor io;

    LastWriteMap(Journal journal, int volume, Mark mark, Recent recent, Executor io) {
        this.journal = journal;
        this.volume = volume;
        this.mark = mark;
        this.recent = recent;
        this.io = io;
    }

    @Override
    public void status(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        StatusRequest.start(this::paint, offsetBytes, lengthBytes, maximumCount, io, done);
    }

    private long paint(long offsetBytes, long lengthBytes, int limit, ExtentMap into)
            throws BlockDeviceException {
        try (Pin pin = pinTail()) {
            ExtentMap writes = new ExtentMap();
            Overlaying noting =
                    new Overlaying(writes, (sequence, time) -> mark == Mark.TIME ? time : sequence);
            Boundary to = recent.look(offsetBytes, lengthBytes, noting);
            Boundary from = pin.point().base();
            long end = paintRuns(from, to, offsetBytes, offsetBytes + lengthBytes, into);
            writes.visit(offsetBytes, end - offsetBytes, new Overlaying(into, (value, b) -> value));
            return end;
        } catch (JournalException failure) {
            throw Failures.device(failure);
        } catch (PointException gone) {
            throw Failures.failed(gone);
        }
    }

    /** Keeps what there is of history; it may just be getting shorter. */
    private Pin pinTail() throws PointException {
        @Nullable PointException last = null;
        for (int i = 0; i < 10; i++) {
            Boundary tail = journal.oldestBoundary();
            try {
                return journal.pin(
                        new Point(tail.sequence(), tail.timeMicros(), tail, tail.checkpoint()));
            } catch (PointException expired) {
                last = expired;
            }
        }
        throw Objects.requireNonNull(last);
    }

    /** Returns where it stopped. */
    private long paintRuns(Boundary from, Boundary to, long offset, long end, ExtentMap into)
            throws JournalException {
        if (from.run() >= to.run()) {
            into.put(offset, end - offset, 0, 0);
            return end;
        }
        RunSweep sweep = journal.sweep(from, to);
        sweep.seek(volume, offset);
        if (sweep.next(end) == RunSweep.Content.NOTHING) {
            into.put(offset, sweep.offsetBytes() - offset, 0, 0);
            return sweep.offsetBytes();
        }
        long stop = Math.min(end, offset + PIECE_BYTES);
        LastRuns runs = journal.lastRuns(from, to);
        ExtentMap found = new ExtentMap();
        runs.find(volume, offset, stop - offset, found);
        into.put(offset, stop - offset, 0, 0);
        found.visit(offset, stop - offset, new Overlaying(into, (run, b) -> value(run)));
        return stop;
    }

    private long value(long run) {
        Boundary boundary = journal.boundary(run);
        return mark == Mark.TIME ? boundary.timeMicros() : boundary.sequence();
    }

    @Override
    public void close() {
        // Nothing is held between questions.
    }
}
