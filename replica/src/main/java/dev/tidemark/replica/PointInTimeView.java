package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.Point;
import java.util.List;

/**
 * All volumes of a group as they were at one point, read-only; holds a pin until it is closed.
 * Thread-safe.
 */
public interface PointInTimeView extends AutoCloseable {
    /** The exact point taken. */
    Point point();

    /** The volumes that existed at the point, by id. */
    List<PointVolume> volumes();

    /**
     * A new read-only handle. Closing the view does not wait for handles: their later requests fail
     * with SHUTDOWN.
     */
    BlockDevice device(int volume) throws ReplicaException;

    /** Ends the pin once reads in flight have finished. Idempotent. */
    @Override
    void close();
}
