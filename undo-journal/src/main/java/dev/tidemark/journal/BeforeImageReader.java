package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Reads before-images and verifies them before anyone sees them. Thread-safe. */
final class BeforeImageReader {
    private static final ThreadLocal<ByteBuffer> IMAGE =
            ThreadLocal.withInitial(
                    () -> ByteBuffer.allocateDirect(IndexFormat.MAXIMUM_IMAGE_BYTES));
    private static final ThreadLocal<CRC32C> CHECKSUM = ThreadLocal.withInitial(CRC32C::new);
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(64 << 10).asReadOnlyBuffer();

    private final UndoSegments segments;

    BeforeImageReader(UndoSegments segments) {
        this.segments = segments;
    }

    /**
     * Fills the target from an image's byte at {@code fromBytes} of the volume on; false when it
     * would wait.
     */
    boolean read(BeforeImage image, long fromBytes, ByteBuffer target, boolean cachedOnly)
            throws JournalException {
        long skipBytes = fromBytes - image.offsetBytes();
        int wantedBytes = target.remaining();
        if (skipBytes < 0 || skipBytes + wantedBytes > image.lengthBytes()) {
            throw new IllegalArgumentException(
                    wantedBytes + " bytes from " + fromBytes + " lie outside of " + image);
        }
        if (image.zero()) {
            putZeros(target);
            return true;
        }
        if (wantedBytes == image.lengthBytes()) {
            return readWhole(image, target, cachedOnly);
        }
        ByteBuffer whole = IMAGE.get().clear().limit((int) image.lengthBytes());
        if (!readWhole(image, whole, cachedOnly)) {
            return false;
        }
        target.put(whole.slice((int) skipBytes, wantedBytes));
        return true;
    }

    private static void putZeros(ByteBuffer target) {
        while (target.hasRemaining()) {
            target.put(ZEROS.slice(0, Math.min(ZEROS.capacity(), target.remaining())));
        }
    }

    /**
     * Reads into the target itself; after a failure its content is undefined and its position
     * unchanged.
     */
    private boolean readWhole(BeforeImage image, ByteBuffer target, boolean cachedOnly)
            throws JournalException {
        int startAt = target.position();
        int segment = (int) image.segment();
        int position = (int) image.position();
        int lengthBytes = (int) image.lengthBytes();
        if (!segments.read(segment, position, target, cachedOnly)) {
            return false;
        }
        if (!matches(target, startAt, lengthBytes, image.checksum())) {
            target.position(startAt);
            throw corrupt(image);
        }
        return true;
    }

    private static boolean matches(ByteBuffer bytes, int at, int lengthBytes, int checksum) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.slice(at, lengthBytes));
        return (int) crc.getValue() == checksum;
    }

    private JournalException corrupt(BeforeImage image) {
        return segments.corrupt(
                (int) image.segment(),
                (int) image.position(),
                "before-image of volume %d at %d, %d bytes, does not match its checksum"
                        .formatted(image.volume(), image.offsetBytes(), image.lengthBytes()));
    }

    /**
     * Fills the target with the before-images that a region says lie at {@code fromBytes} of its
     * volume and on, and leaves the parts that gold holds as they are. Whole images that lie one
     * behind the other are read at once. The target's position and limit end anywhere.
     *
     * @return false when it would wait
     */
    boolean read(UndoRegion region, long fromBytes, ByteBuffer target, boolean cachedOnly)
            throws JournalException {
        long baseBytes = region.index << UndoRegion.SHIFT;
        int first = (int) (fromBytes - baseBytes);
        int end = first + target.remaining();
        int firstAt = target.position();
        CRC32C crc = CHECKSUM.get();
        int from = first;
        int part = region.partAt(from);
        while (from < end) {
            int last = lastTogether(region, part, from, end);
            int until = Math.min(region.end(last), end);
            int at = firstAt + from - first;
            target.limit(at + until - from).position(at);
            if (region.segment(part) != UndoRegion.GOLD
                    && !readParts(region, part, last, baseBytes + from, target, cachedOnly, crc)) {
                return false;
            }
            from = until;
            part = last + 1;
        }
        return true;
    }

    private boolean readParts(
            UndoRegion region,
            int first,
            int last,
            long fromBytes,
            ByteBuffer target,
            boolean cachedOnly,
            CRC32C crc)
            throws JournalException {
        boolean whole = region.isWhole(first) && region.imageBytes(first) <= target.remaining();
        return whole
                ? readTogether(region, first, last, target, cachedOnly, crc)
                : read(region.image(first), fromBytes, target, cachedOnly);
    }

    /**
     * Last of the whole images from {@code part} on that follow each other in the volume and in the
     * segment.
     */
    private static int lastTogether(UndoRegion region, int part, int from, int end) {
        int last = part;
        if (from != region.start(part) || !region.isWhole(part)) {
            return part;
        }
        while (last + 1 < region.count()
                && region.end(last + 1) <= end
                && region.isWhole(last + 1)
                && region.segment(last + 1) == region.segment(last)
                && region.position(last + 1) == region.position(last) + region.imageBytes(last)) {
            last++;
        }
        return last;
    }

    /** Straight into the target, then checked there. */
    private boolean readTogether(
            UndoRegion region,
            int first,
            int last,
            ByteBuffer target,
            boolean cachedOnly,
            CRC32C crc)
            throws JournalException {
        int at = target.position();
        if (!segments.read(region.segment(first), region.position(first), target, cachedOnly)) {
            return false;
        }
        for (int part = first; part <= last; part++) {
            target.limit(at + region.imageBytes(part)).position(at);
            crc.reset();
            crc.update(target);
            if ((int) crc.getValue() != region.checksum(part)) {
                throw corrupt(region.image(part));
            }
            at = target.limit();
        }
        return true;
    }
}
