package dev.tidemark.journal;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ErrorCode;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Whether a log takes records, the lock that guards all its parts, and the records that have ended
 * and hear so once the lock is given back.
 */
final class LogState {
    private enum Phase {
        OPEN,
        FAILED,
        CLOSED
    }

    final ReentrantLock lock = new ReentrantLock();

    /** Guarded by lock. */
    final RecordQueue ended = new RecordQueue();

    private volatile Phase phase = Phase.OPEN; // written under lock

    boolean isOpen() {
        return phase == Phase.OPEN;
    }

    boolean hasFailed() {
        return phase == Phase.FAILED;
    }

    boolean isClosed() {
        return phase == Phase.CLOSED;
    }

    /** Under the lock. */
    void fail() {
        phase = Phase.FAILED;
    }

    /** Under the lock. */
    void close() {
        phase = Phase.CLOSED;
    }

    /** What a record is told that comes too late. */
    BlockDeviceException refusal() {
        return isClosed()
                ? new BlockDeviceException(ErrorCode.SHUTDOWN, "the journal is closed")
                : new BlockDeviceException(
                        ErrorCode.DEVICE_FAILED,
                        "the journal has stopped after a failed force; check the disk, then restart"
                                + " the gateway");
    }

    void requireNotFailed() throws JournalException {
        if (hasFailed()) {
            throw new JournalException(
                    JournalException.Kind.FAILED, String.valueOf(refusal().getMessage()));
        }
    }

    /** Gives the lock back and tells the records that have ended. */
    void unlockAndTell() {
        PendingRecord done = ended.take();
        lock.unlock();
        RecordQueue.end(done);
    }
}
