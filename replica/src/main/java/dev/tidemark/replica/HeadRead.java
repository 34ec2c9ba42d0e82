package dev.tidemark.replica;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.JournalException;
import dev.tidemark.storage.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One read of the head: which part comes from which redo record, from gold, or from the promoted
 * image; then the bytes. Of one thread.
 */
final class HeadRead implements ExtentMap.Visitor {
    static final long GOLD = -3;
    static final long IMAGE = -4;

    /** Longs per part: offset, length, origin, segment or kind, position. */
    private static final int STRIDE = 5;

    private final Head head;
    private final @Nullable Promoted image;
    private final @Nullable RangeSet writtenSince;
    private final int volume;
    private final long offsetBytes;
    private final Layer[] layers;
    private final List<Layer> used = new ArrayList<>(1);
    private long[] parts = new long[STRIDE];
    private int count;
    private int current;

    /** Looks the range up. */
    HeadRead(Head head, @Nullable Promoted image, int volume, long offsetBytes, long lengthBytes) {
        this.head = head;
        this.volume = volume;
        this.offsetBytes = offsetBytes;
        boolean covered = image != null && image.covers(volume);
        this.image = covered ? image : null;
        // What was written before this look is found in the layers read next, or in gold.
        this.writtenSince =
                image != null && covered
                        ? image.writtenWithin(volume, offsetBytes, lengthBytes)
                        : null;
        this.layers = head.layers();
        this.current = layers.length;
        gap(offsetBytes, lengthBytes);
    }

    @Override
    public void extent(long offset, long length, long origin, long a, long b) {
        if (a >= 0 && (used.isEmpty() || !used.contains(layers[current]))) {
            used.add(layers[current]);
        }
        add(offset, length, origin, a, b);
    }

    /**
     * What the layers from {@code current} on do not hold is looked up in the next older one, at
     * last in what lies below.
     */
    @Override
    public void gap(long offset, long length) {
        int above = current--;
        if (current >= 0 && isAbovePromoted(layers[current])) {
            layers[current].visit(volume, offset, length, this);
        } else {
            below(offset, length);
        }
        current = above;
    }

    private boolean isAbovePromoted(Layer layer) {
        return image == null || layer.afterSequence() >= image.sequence();
    }

    private void below(long offset, long length) {
        if (writtenSince == null) {
            add(offset, length, offset, GOLD, 0);
        } else {
            writtenSince.visit(
                    offset,
                    length,
                    (at, bytes, written) -> add(at, bytes, at, written ? GOLD : IMAGE, 0));
        }
    }

    private void add(long offset, long length, long origin, long a, long b) {
        int at = count * STRIDE;
        if (at == parts.length) {
            parts = Arrays.copyOf(parts, parts.length * 2);
        }
        parts[at] = offset;
        parts[at + 1] = length;
        parts[at + 2] = origin;
        parts[at + 3] = a;
        parts[at + 4] = b;
        count++;
    }

    /** Whether a layer this read uses has been dropped since. */
    boolean isStale() {
        return used.stream().anyMatch(Layer::isDropped);
    }

    /** Fills the target, whose position is the range's start; false when it would have to wait. */
    boolean fill(ByteBuffer target, boolean cachedOnly) throws BlockDeviceException {
        if (count == 1) {
            return fillPart(0, target, cachedOnly);
        }
        int start = target.position();
        for (int i = 0; i < count; i++) {
            int at = start + (int) (parts[i * STRIDE] - offsetBytes);
            ByteBuffer part = target.slice(at, (int) parts[i * STRIDE + 1]);
            if (!fillPart(i, part, cachedOnly)) {
                return false;
            }
        }
        return true;
    }

    /** What the range holds, as {@link Source#allocation}. */
    long allocation(int limit, ExtentMap into) throws BlockDeviceException {
        long at = offsetBytes;
        for (int i = 0; i < count && into.count() < limit; i++) {
            long end = at + parts[i * STRIDE + 1];
            at = partAllocation(at, end - at, parts[i * STRIDE + 3], limit, into);
            if (at < end) {
                return at;
            }
        }
        return at;
    }

    private long partAllocation(long offset, long length, long segment, int limit, ExtentMap into)
            throws BlockDeviceException {
        if (segment == IMAGE) {
            return Objects.requireNonNull(image).allocation(volume, offset, length, limit, into);
        }
        if (segment == GOLD) {
            Volume live = head.volumes().existing(volume);
            try {
                return live.gold().allocation(offset, length, live.allocation(), limit, into);
            } catch (StorageException failure) {
                throw Failures.device(failure);
            }
        }
        into.put(offset, length, bits(segment), 0);
        return offset + length;
    }

    /** {@link Allocation} bits of an extent by its first value. */
    static long bits(long segment) {
        if (segment == Layer.ZERO_HOLE) {
            return Allocation.HOLE | Allocation.ZERO;
        }
        return segment == Layer.ZERO_KEPT ? Allocation.ZERO : 0;
    }

    private boolean fillPart(int index, ByteBuffer target, boolean cachedOnly)
            throws BlockDeviceException {
        long offset = parts[index * STRIDE];
        long origin = parts[index * STRIDE + 2];
        long segment = parts[index * STRIDE + 3];
        long position = parts[index * STRIDE + 4];
        try {
            if (segment >= 0) {
                return head.redo()
                        .read(segment, position, volume, origin, offset, target, cachedOnly);
            }
            if (segment == GOLD) {
                return head.volumes().existing(volume).gold().read(offset, target, cachedOnly);
            }
        } catch (JournalException failure) {
            throw Failures.device(failure);
        } catch (StorageException failure) {
            throw Failures.device(failure);
        }
        if (segment == IMAGE) {
            return Objects.requireNonNull(image).read(volume, offset, target, cachedOnly);
        }
        Zeros.fill(target);
        return true;
    }
}
