package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.Pin;
import dev.tidemark.journal.Point;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * An image whose write log or point could not be opened. It serves nothing, since a disk that lacks
 * some of its writes would pass for whole; its log stays as it is, and its point pinned where there
 * is one, until somebody stops it or mends the log and opens the group again. Immutable.
 */
final class FailedImage implements HeldImage {
    private final ImageRecord record;
    private final String reason;
    private final StorageDirectory directory;
    private final @Nullable Pin pin;

    FailedImage(ImageRecord record, String reason, StorageDirectory directory, @Nullable Pin pin) {
        this.record = record;
        this.reason = reason;
        this.directory = directory;
        this.pin = pin;
    }

    @Override
    public ImageRecord record() {
        return record;
    }

    /** Lets go of the point. */
    void close() {
        if (pin != null) {
            pin.close();
        }
    }

    ReplicaException refusal() {
        return new ReplicaException(
                ReplicaException.Kind.CORRUPT,
                "image "
                        + record.id()
                        + " could not be opened: "
                        + reason
                        + "; nothing of it was changed: mend its log and restart the gateway, or"
                        + " stop the test, which gives its writes up");
    }

    @Override
    public UUID id() {
        return record.id();
    }

    @Override
    public Point point() {
        return record.point();
    }

    @Override
    public long startedMicros() {
        return record.startedMicros();
    }

    @Override
    public List<PointVolume> volumes() {
        return record.volumes();
    }

    @Override
    public BlockDevice device(int volume) throws ReplicaException {
        throw refusal();
    }

    /** Unknown, since the log cannot be read. */
    @Override
    public long bytesWritten() {
        return 0;
    }

    @Override
    public long diskBytes() {
        long bytes = 0;
        try {
            for (String name : directory.files()) {
                try (StorageFile file = directory.openReadOnly(name)) {
                    bytes += file.allocatedBytes();
                }
            }
        } catch (StorageException unreadable) {
            // What can be counted is.
        }
        return bytes;
    }

    @Override
    public int openHandles() {
        return 0;
    }

    @Override
    public String failure() {
        return reason;
    }
}
