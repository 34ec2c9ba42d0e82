package dev.tidemark.replica;

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
    private final Rules rules;

    /**
     * @param onWritten hears of each write, under the redo log's lock
     */
    HeadLog(RecordLog redo, Head head, Throttle throttle, Rules rules, Runnable onWritten) {
        this.redo = redo;
        this.head = head;
        this.throttle = throttle;
        this.rules = rules;
        this.onWritten = onWritten;
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
        onWritten.run();
        rules.appended(write);
        head.cutIfFull(write.sequence(), write.timeMicros(), write.end());
    }

    /** Any mark is in the log. Under the redo log's lock. */
    void appended(Mark mark) {
        rules.appended(mark);
    }

    /** A record that ends an interval is in the log. Under the redo log's lock. */
    void boundary(Mark mark, @Nullable Checkpoint checkpoint) {
        head.seal(mark.sequence(), mark.timeMicros(), mark.end(), checkpoint);
    }

    /** Puts a mark into the log now, with everything staged before it. */
    void write(Mark mark) {
        mark.into(this);
        redo.stage(mark);
        redo.submit();
    }
}
