package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import java.nio.ByteBuffer;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a promotion puts under the head: the image, and the ranges in which it no longer counts
 * because something was written since. Thread-safe.
 *
 * <p>A record <em>claims</em> its range from the moment it gets its sequence number until it is in
 * the log, or has failed; then its range is <em>written</em>. Readers ask what is written; copies,
 * under the redo log's lock, ask for both.
 */
final class Promoted implements Source {
    private final Source image;
    private final Map<Integer, RangeSet> written = new TreeMap<>();
    private final Set<LiveWrite> claims = new LinkedHashSet<>(); // guarded by itself
    private volatile long sequence;

    /**
     * @param volumes what the promotion covers; other volumes are not touched
     */
    Promoted(Source image, Iterable<Integer> volumes) {
        this.image = image;
        for (int volume : volumes) {
            written.put(volume, new RangeSet());
        }
    }

    /** The PROMOTE record has this sequence number. Before readers see the promotion. */
    void startAt(long promoteSequence) {
        sequence = promoteSequence;
    }

    long sequence() {
        return sequence;
    }

    /** The point that the image shows. */
    long pointSequence() {
        return switch (image) {
            case PointSource point -> point.point().sequence();
            case ImageDisk disk -> disk.point().sequence();
            default -> 0;
        };
    }

    /** What the image itself has written to a range. */
    void visitOwn(int volume, long offsetBytes, long lengthBytes, ExtentMap.Visitor visitor) {
        if (image instanceof ImageDisk disk) {
            disk.visitWritten(volume, offsetBytes, lengthBytes, visitor);
        }
    }

    boolean covers(int volume) {
        return written.containsKey(volume);
    }

    void claim(LiveWrite write) {
        synchronized (claims) {
            claims.add(write);
        }
    }

    void endClaim(LiveWrite write) {
        synchronized (claims) {
            claims.remove(write);
        }
    }

    /**
     * Whether a record with a sequence number after the promotion covers any byte of the range.
     * Exact under the redo log's lock.
     */
    boolean isTaken(int volume, long offsetBytes, long lengthBytes) {
        synchronized (claims) {
            for (LiveWrite write : claims) {
                if (write.volume() == volume
                        && write.offsetBytes() < offsetBytes + lengthBytes
                        && offsetBytes < write.offsetBytes() + write.lengthBytes()) {
                    return true;
                }
            }
        }
        RangeSet ranges = written.get(volume);
        return ranges == null || ranges.intersects(offsetBytes, lengthBytes);
    }

    /** A record over this range is in the log. */
    void written(int volume, long offsetBytes, long lengthBytes) {
        RangeSet ranges = written.get(volume);
        if (ranges != null) {
            ranges.add(offsetBytes, lengthBytes);
        }
    }

    /** A copy of what has been written of a range. */
    RangeSet writtenWithin(int volume, long offsetBytes, long lengthBytes) {
        RangeSet ranges = written.get(volume);
        return ranges == null ? new RangeSet() : ranges.within(offsetBytes, lengthBytes);
    }

    @Override
    public long allocation(
            int volume, long offsetBytes, long lengthBytes, int limit, ExtentMap into)
            throws BlockDeviceException {
        return image.allocation(volume, offsetBytes, lengthBytes, limit, into);
    }

    @Override
    public boolean read(int volume, long offsetBytes, ByteBuffer target, boolean cachedOnly)
            throws BlockDeviceException {
        return image.read(volume, offsetBytes, target, cachedOnly);
    }
}
