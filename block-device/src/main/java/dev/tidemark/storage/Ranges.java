package dev.tidemark.storage;

import java.nio.ByteBuffer;

/** Ranges of files. */
final class Ranges {
    private Ranges() {}

    /** A range that is not inside the file is the caller's fault. */
    static void checkInside(String path, long position, long lengthBytes, long sizeBytes) {
        if (position < 0
                || lengthBytes < 0
                || position > sizeBytes
                || lengthBytes > sizeBytes - position) {
            throw new IllegalArgumentException(
                    "range "
                            + position
                            + " + "
                            + lengthBytes
                            + " is not inside "
                            + path
                            + " of "
                            + sizeBytes
                            + " bytes");
        }
    }

    static void writeZeros(StorageFile file, long position, long lengthBytes, ByteBuffer zeros)
            throws StorageException {
        long at = position;
        long end = position + lengthBytes;
        while (at < end) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), end - at));
            int length = zeros.remaining();
            file.write(at, zeros);
            at += length;
        }
    }
}
