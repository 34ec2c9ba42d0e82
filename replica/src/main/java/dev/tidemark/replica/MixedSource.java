package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A point inside a promotion: what was written since it began as at any point, the rest from the
 * promoted image. Thread-safe.
 */
final class MixedSource implements Source {
    private record Part(long offsetBytes, long lengthBytes, boolean written) {}

    private final Source point;
    private final Promoted promoted;

    MixedSource(Source point, Promoted promoted) {
        this.point = point;
        this.promoted = promoted;
    }

    @Override
    public long allocation(
            int volume, long offsetBytes, long lengthBytes, int limit, ExtentMap into)
            throws BlockDeviceException {
        if (!promoted.covers(volume)) {
            return point.allocation(volume, offsetBytes, lengthBytes, limit, into);
        }
        long at = offsetBytes;
        for (Part part : parts(volume, offsetBytes, lengthBytes)) {
            Source source = part.written ? point : promoted;
            if (into.count() >= limit) {
                break;
            }
            at = source.allocation(volume, part.offsetBytes, part.lengthBytes, limit, into);
            if (at < part.offsetBytes + part.lengthBytes) {
                break;
            }
        }
        return at;
    }

    private List<Part> parts(int volume, long offsetBytes, long lengthBytes) {
        List<Part> parts = new ArrayList<>();
        promoted.writtenWithin(volume, offsetBytes, lengthBytes)
                .visit(
                        offsetBytes,
                        lengthBytes,
                        (offset, bytes, written) -> parts.add(new Part(offset, bytes, written)));
        return parts;
    }

    @Override
    public boolean read(int volume, long offsetBytes, ByteBuffer target, boolean cachedOnly)
            throws BlockDeviceException {
        if (!promoted.covers(volume)) {
            return point.read(volume, offsetBytes, target, cachedOnly);
        }
        for (Part part : parts(volume, offsetBytes, target.remaining())) {
            int at = target.position() + (int) (part.offsetBytes - offsetBytes);
            ByteBuffer bytes = target.slice(at, (int) part.lengthBytes);
            Source source = part.written ? point : promoted;
            if (!source.read(volume, part.offsetBytes, bytes, cachedOnly)) {
                return false;
            }
        }
        return true;
    }
}
