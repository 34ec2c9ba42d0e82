package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.Point;
import java.util.List;
import java.util.UUID;

/**
 * A running recovery test: all volumes of a group at one point, and what was written to them since.
 * Thread-safe.
 */
public interface Image {
    UUID id();

    /** The exact point taken. */
    Point point();

    /** Wall clock at the start, microseconds since 1970. */
    long startedMicros();

    List<PointVolume> volumes();

    /** A new read-write handle; several share one disk. */
    BlockDevice device(int volume) throws ReplicaException;

    /** Payload bytes written to the image since it was started. */
    long bytesWritten();

    /** Disk space of its write log. */
    long diskBytes();

    int openHandles();

    /**
     * Why the image could not be opened again: it then serves nothing, keeps its writes, and can
     * only be stopped. Empty while it runs.
     */
    String failure();
}
