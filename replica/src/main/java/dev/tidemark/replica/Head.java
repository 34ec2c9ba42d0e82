package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.Position;
import dev.tidemark.journal.RecordKind;
import dev.tidemark.journal.RecordLog;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The live disks: layers of redo not yet folded, newest first, over gold. While a promotion is on
 * its way, what nobody has written since it began comes from the promoted image instead.
 *
 * <p>Everything that changes the newest layer runs under the redo log's lock, in sequence order;
 * the oldest is dropped by the fold. The array of layers is replaced under this object's monitor
 * and read without it.
 */
final class Head implements Source {
    private static final int EXTENT_LIMIT = 32768;

    private final RecordLog redo;
    private final Volumes volumes;
    private final long weightLimitBytes;
    private final int extentLimit;
    private final Runnable onSealed;
    private volatile Layer[] layers;
    private volatile @Nullable Promoted promoted;

    /** The promotion whose claims count; set a little before {@link #promoted}. */
    private volatile @Nullable Promoted claiming;

    /**
     * @param unitBytes a layer's undo run must fit into one unit: it is cut at a quarter of one
     */
    Head(RecordLog redo, Volumes volumes, int unitBytes, Runnable onSealed) {
        this.redo = redo;
        this.volumes = volumes;
        this.weightLimitBytes = unitBytes / 4;
        this.extentLimit = Math.min(EXTENT_LIMIT, unitBytes / 256);
        this.onSealed = onSealed;
        this.layers = new Layer[0];
    }

    /** Everything before this place is in gold. Once, before anything else. */
    void begin(Position redoBegin) {
        layers = new Layer[] {new Layer(redoBegin)};
    }

    /** Most bytes of before-images one record may cause. */
    long weightLimitBytes() {
        return weightLimitBytes;
    }

    RecordLog redo() {
        return redo;
    }

    Volumes volumes() {
        return volumes;
    }

    /** Oldest first; the last is open. */
    Layer[] layers() {
        return layers;
    }

    @Nullable Promoted promoted() {
        return promoted;
    }

    /**
     * A PROMOTE record is about to get its sequence number: what follows it claims its ranges.
     * Under the redo log's lock.
     */
    void startClaims(@Nullable Promoted image) {
        claiming = image;
    }

    /**
     * A record is about to get its sequence number: returns the promotion it claims its range from.
     * Under the redo log's lock.
     */
    @Nullable Promoted claim(LiveWrite write) {
        Promoted image = claiming;
        if (image != null) {
            image.claim(write);
        }
        return image;
    }

    /**
     * The PROMOTE record is in the log: the head is the promoted image, but for what is written
     * after it. Under the redo log's lock.
     */
    void promote(Promoted image) {
        claiming = image;
        promoted = image;
    }

    /** Nothing differs any more. Under the redo log's lock. */
    void endPromotion() {
        claiming = null;
        promoted = null;
    }

    /**
     * Puts a WRITE or ZERO record into the newest layer; returns what it counts against the limit
     * of unfolded bytes. Under the redo log's lock.
     */
    long put(
            RecordKind kind,
            int flags,
            Volume volume,
            long offsetBytes,
            long lengthBytes,
            long segment,
            long position) {
        long dataBytes;
        long first;
        if (kind == RecordKind.WRITE) {
            volume.allocation().add(offsetBytes, lengthBytes);
            dataBytes = lengthBytes;
            first = segment;
        } else {
            dataBytes = volume.allocation().dataBytes(offsetBytes, lengthBytes);
            first = zeroKind(flags);
        }
        long charge = dataBytes + Throttle.RECORD_BYTES;
        newest().put(volume.id(), offsetBytes, lengthBytes, first, position, dataBytes, charge);
        // Only now: a reader that sees it here must find it in the layers.
        Promoted image = promoted;
        if (image != null) {
            image.written(volume.id(), offsetBytes, lengthBytes);
        }
        return charge;
    }

    static long zeroKind(int flags) {
        return (flags & PendingRecord.FLAG_DEALLOCATE) != 0 ? Layer.ZERO_HOLE : Layer.ZERO_KEPT;
    }

    /**
     * Cuts the newest layer when its run would become too long. Under the redo log's lock, after
     * {@link #put}.
     */
    void cutIfFull(long sequence, long timeMicros, Position end) {
        if (newest().exceeds(weightLimitBytes, extentLimit)) {
            seal(sequence, timeMicros, end, null);
        }
    }

    /** Ends the newest layer at a record and begins the next. Under the redo log's lock. */
    void seal(long sequence, long timeMicros, Position end, @Nullable Checkpoint checkpoint) {
        newest().seal(new Layer.End(sequence, timeMicros, end, checkpoint));
        synchronized (this) {
            Layer[] more = Arrays.copyOf(layers, layers.length + 1);
            more[layers.length] = new Layer(end);
            layers = more;
        }
        onSealed.run();
    }

    private Layer newest() {
        Layer[] all = layers;
        return all[all.length - 1];
    }

    /** Whether nothing was written since the last boundary. Exact under the redo log's lock. */
    boolean isNewestEmpty() {
        return newest().isEmpty();
    }

    /**
     * The layer to fold next; null when none is sealed. A layer counts as sealed once there is one
     * after it: the fold may drop it then, and never the last.
     */
    @Nullable Layer oldestSealed() {
        Layer[] all = layers;
        return all.length == 1 ? null : all[0];
    }

    /** The oldest layer is in gold. */
    void drop(Layer layer) {
        synchronized (this) {
            assert layers[0] == layer : "not the oldest layer";
            layers = Arrays.copyOfRange(layers, 1, layers.length);
        }
        layer.drop();
    }

    @Override
    public boolean read(int volume, long offsetBytes, ByteBuffer target, boolean cachedOnly)
            throws BlockDeviceException {
        while (true) {
            Promoted image = promoted;
            HeadRead read = new HeadRead(this, image, volume, offsetBytes, target.remaining());
            try {
                return read.fill(target.duplicate(), cachedOnly);
            } catch (BlockDeviceException failure) {
                // A layer folded since may have lost its redo, a promotion ended since takes its
                // image with it: the same bytes are elsewhere now.
                if (!read.isStale() && image == promoted) {
                    throw failure;
                }
            }
        }
    }

    /**
     * Layers, then gold: what is in no layer at the first look is in gold, but for what is written
     * meanwhile, and then either answer is right. No look again is needed.
     */
    @Override
    public long allocation(
            int volume, long offsetBytes, long lengthBytes, int limit, ExtentMap into)
            throws BlockDeviceException {
        while (true) {
            Promoted image = promoted;
            HeadRead read = new HeadRead(this, image, volume, offsetBytes, lengthBytes);
            try {
                return read.allocation(limit, into);
            } catch (BlockDeviceException failure) {
                if (image == promoted) {
                    throw failure;
                }
            }
        }
    }
}
