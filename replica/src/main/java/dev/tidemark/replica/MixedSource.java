package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
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
    public boolean read(int volume, long offsetBytes, ByteBuffer target, boolean cachedOnly)
            throws BlockDeviceException {
        if (!promoted.covers(volume)) {
            return point.read(volume, offsetBytes, target, cachedOnly);
        }
        List<Part> parts = new ArrayList<>();
        int length = target.remaining();
        promoted.writtenWithin(volume, offsetBytes, length)
                .visit(
                        offsetBytes,
                        length,
                        (offset, bytes, written) -> parts.add(new Part(offset, bytes, written)));
        for (Part part : parts) {
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
