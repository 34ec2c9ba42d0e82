package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.Pin;
import dev.tidemark.journal.RunSweep;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Which bytes of a volume changed between a point and the moment of a device: what the undo runs in
 * between hold, and what was written outside of them. Bytes that the volume did not have at the
 * point count as changed. Never misses a change.
 */
final class ChangedMap implements HistoryMap {
    /** The changes between a point and a moment, in two parts. */
    interface Changes {
        /**
         * Marks what of a range was written and is in no run of the sweep returned; that is null
         * when no run counts. In this order: what is folded in between is in both.
         */
        @Nullable RunSweep look(long offsetBytes, long lengthBytes, ExtentMap.Visitor written)
                throws JournalException;

        /**
         * What the answer depends on and may end meanwhile: a question that failed is worth asking
         * again when this is another now.
         */
        default @Nullable Object state() {
            return null;
        }
    }

    private final int volume;
    private final Changes changes;
    private final long sizeBefore;
    private final @Nullable Pin pin;
    private final Executor io;

    /**
     * @param sizeBefore of the volume at the point, 0 when it did not exist
     * @param pin keeps the history since the point; closed with the map
     */
    ChangedMap(int volume, Changes changes, long sizeBefore, @Nullable Pin pin, Executor io) {
        this.volume = volume;
        this.changes = changes;
        this.sizeBefore = sizeBefore;
        this.pin = pin;
        this.io = io;
    }

    @Override
    public void status(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        StatusRequest.start(this::paint, offsetBytes, lengthBytes, maximumCount, io, done);
    }

    private long paint(long offsetBytes, long lengthBytes, int limit, ExtentMap into)
            throws BlockDeviceException {
        while (true) {
            Object before = changes.state();
            try {
                return paintOnce(offsetBytes, lengthBytes, limit, into);
            } catch (JournalException failure) {
                if (Objects.equals(before, changes.state())) {
                    throw Failures.device(failure);
                }
            }
        }
    }

    private long paintOnce(long offsetBytes, long lengthBytes, int limit, ExtentMap into)
            throws JournalException {
        long end = offsetBytes + lengthBytes;
        ExtentMap written = new ExtentMap();
        RunSweep sweep = changes.look(offsetBytes, lengthBytes, Overlaying.changes(written));
        if (sweep == null) {
            into.put(offsetBytes, lengthBytes, 0, 0);
        } else {
            end = paintRuns(sweep, offsetBytes, end, limit, into);
        }
        written.visit(offsetBytes, end - offsetBytes, Overlaying.changes(into));
        if (end > sizeBefore) {
            long from = Math.max(offsetBytes, sizeBefore);
            into.put(from, end - from, CHANGED, 0);
        }
        return end;
    }

    /** Parts that touch are one; returns where it stopped. */
    private long paintRuns(RunSweep sweep, long offset, long end, int limit, ExtentMap into)
            throws JournalException {
        sweep.seek(volume, offset);
        long start = offset;
        long value = -1;
        while (sweep.offsetBytes() < end && into.count() < limit) {
            long at = sweep.offsetBytes();
            long next = sweep.next(end) == RunSweep.Content.NOTHING ? 0 : CHANGED;
            if (next != value && at > start) {
                into.put(start, at - start, value, 0);
                start = at;
            }
            value = next;
        }
        into.put(start, sweep.offsetBytes() - start, value, 0);
        return sweep.offsetBytes();
    }

    @Override
    public void close() {
        if (pin != null) {
            pin.close();
        }
    }
}
