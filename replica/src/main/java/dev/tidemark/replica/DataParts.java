package dev.tidemark.replica;

import dev.tidemark.storage.StorageException;
import java.nio.ByteBuffer;

/** What a piece of a raw image holds besides zeros. */
final class DataParts {
    private static final int GRAIN_BYTES = 64 << 10;

    private DataParts() {}

    /** Takes what is not zero. */
    interface Part {
        /** The bytes are the caller's, and hold only meanwhile. */
        void take(int offset, ByteBuffer bytes) throws StorageException;
    }

    /**
     * Goes over a piece in grains of 64 KiB and hands on the longest runs of those that are not all
     * zeros.
     */
    static void each(ByteBuffer piece, Part part) throws StorageException {
        int length = piece.limit();
        int done = 0;
        while (done < length) {
            int start = done;
            while (done < length && !isZero(piece, done, length)) {
                done = Math.min(length, done + GRAIN_BYTES);
            }
            if (done > start) {
                part.take(start, piece.slice(start, done - start));
            } else {
                done = Math.min(length, done + GRAIN_BYTES);
            }
        }
    }

    private static boolean isZero(ByteBuffer piece, int at, int length) {
        return Zeros.areAt(piece, at, Math.min(GRAIN_BYTES, length - at));
    }
}
