package dev.tidemark.journal;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Who waits for stable storage, and which segments hold bytes that are not there yet. One force
 * serves everyone whose records were written before it began. Guarded by the log's lock.
 */
final class GroupCommit {
    private record Waiter(long sequence, Completion done) {}

    /** One force: these segments, then everything up to a sequence number is stable. */
    record Round(long sequence, Segment current, List<Segment> segments) {}

    private final RecordQueue records = new RecordQueue();
    private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();
    private final ArrayList<Segment> unforced = new ArrayList<>();
    private boolean scheduled;

    void wrote(Segment segment) {
        if (!unforced.contains(segment)) {
            unforced.add(segment);
        }
    }

    void forget(Segment segment) {
        unforced.remove(segment);
    }

    void add(PendingRecord appended) {
        records.add(appended);
    }

    void add(long sequence, Completion done) {
        waiters.add(new Waiter(sequence, done));
    }

    boolean hasWaiters() {
        return !records.isEmpty() || !waiters.isEmpty();
    }

    /** True when the caller has to start a force. */
    boolean schedule() {
        if (scheduled || !hasWaiters()) {
            return false;
        }
        scheduled = true;
        return true;
    }

    void unschedule() {
        scheduled = false;
    }

    /** Begins a force; the caller gives the round's segments back. */
    Round begin(long lastSequence, Segment current) {
        // A segment that retention has taken meanwhile was folded, and so forced long ago.
        unforced.removeIf(segment -> !segment.tryRetain());
        return new Round(lastSequence, current, List.copyOf(unforced));
    }

    /** The segments of the round are forced; the current one goes on being written to. */
    void succeeded(Round round, RecordQueue ended, List<Completion> flushed) {
        for (Segment segment : round.segments()) {
            if (!segment.equals(round.current())) {
                unforced.remove(segment);
            }
        }
        PendingRecord record = records.peek();
        while (record != null && record.sequence <= round.sequence()) {
            ended.add(Objects.requireNonNull(records.poll()));
            record = records.peek();
        }
        while (!waiters.isEmpty() && waiters.element().sequence() <= round.sequence()) {
            flushed.add(waiters.remove().done());
        }
    }

    /** Nothing that waits will ever be stable. */
    List<Completion> failed(BlockDeviceException failure, RecordQueue ended) {
        records.drainTo(ended, failure);
        List<Completion> flushes = waiters.stream().map(Waiter::done).toList();
        waiters.clear();
        return flushes;
    }
}
