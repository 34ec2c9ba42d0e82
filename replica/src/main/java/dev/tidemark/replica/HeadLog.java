package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.RecordLog;
import org.jspecify.annotations.Nullable;

/**
 * The redo log with the head on top: what is appended becomes visible in the head, in sequence
 * order. Thread-safe.
 */
final class HeadLog {
    private final RecordLog redo;
    private final Head head;
    private final Throttle throttle;
    private final Runnable onWritten;
    private final Runnable onAppended;
    private final Rules rules;
    private final Roles roles;
    private final WriteTally tally;

    /**
     * @param onWritten hears of each write, under the redo log's lock
     * @param onAppended hears of each record, under the redo log's lock
     */
    HeadLog(
            RecordLog redo,
            Head head,
            Throttle throttle,
            Rules rules,
            Roles roles,
            WriteTally tally,
            Runnable onWritten,
            Runnable onAppended) {
        this.redo = redo;
        this.head = head;
        this.throttle = throttle;
        this.rules = rules;
        this.roles = roles;
        this.tally = tally;
        this.onWritten = onWritten;
        this.onAppended = onAppended;
    }

    RecordLog redo() {
        return redo;
    }

    Head head() {
        return head;
    }

    Throttle throttle() {
        return throttle;
    }

    /**
     * Why a record of another site gets no number now; null when it does. Under the redo log's
     * lock.
     *
     * @param source as {@link Roles#source} told it
     */
    @Nullable BlockDeviceException refusal(int source) {
        return roles.refusal(source);
    }

    /** Why a host's write gets no number now; null when it does. Under the redo log's lock. */
    @Nullable BlockDeviceException refusal() {
        return roles.refusal();
    }

    /** A write is in the log. Under the redo log's lock. */
    void appended(LiveWrite write) {
        throttle.charge(
                head.put(
                        write.kind(),
                        write.flags(),
                        write.target(),
                        write.offsetBytes(),
                        write.lengthBytes(),
                        write.segment(),
                        write.position()));
        tally.appended(write);
        onWritten.run();
        onAppended.run();
        rules.appended(write);
        head.cutIfFull(write.sequence(), write.timeMicros(), write.end());
    }

    /** Any mark is in the log. Under the redo log's lock. */
    void appended(Mark mark) {
        tally.appended(mark);
        onAppended.run();
        rules.appended(mark);
    }

    /** A record that ends an interval is in the log. Under the redo log's lock. */
    void boundary(Mark mark, @Nullable Checkpoint checkpoint) {
        head.seal(mark.sequence(), mark.timeMicros(), mark.end(), checkpoint);
    }

    /**
     * Ends the newest layer at the last record, without one of its own. Under the redo log's lock.
     */
    void cut() {
        if (!head.isNewestEmpty()) {
            head.seal(redo.lastSequence(), redo.lastTimeMicros(), redo.end(), null);
        }
    }

    /** Puts a mark into the log now, with everything staged before it. */
    void write(Mark mark) {
        mark.into(this);
        redo.stage(mark);
        redo.submit();
    }
}
