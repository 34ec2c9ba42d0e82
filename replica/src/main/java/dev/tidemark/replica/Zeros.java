package dev.tidemark.replica;

import java.nio.ByteBuffer;

/** Bytes that are all zero. */
final class Zeros {
    static final int BYTES = 64 << 10;
    private static final ByteBuffer SHARED = ByteBuffer.allocateDirect(BYTES).asReadOnlyBuffer();

    private Zeros() {}

    /** A buffer of {@code lengthBytes} zeros, at most {@link #BYTES}. */
    static ByteBuffer buffer(int lengthBytes) {
        return SHARED.slice(0, lengthBytes);
    }

    /** Fills what remains of {@code target}. */
    static void fill(ByteBuffer target) {
        while (target.hasRemaining()) {
            target.put(SHARED.slice(0, Math.min(BYTES, target.remaining())));
        }
    }

    /** Whether {@code lengthBytes} bytes from absolute {@code index} on are zero. */
    static boolean areAt(ByteBuffer data, int index, int lengthBytes) {
        int done = 0;
        while (done < lengthBytes) {
            int part = Math.min(BYTES, lengthBytes - done);
            if (data.slice(index + done, part).mismatch(SHARED.slice(0, part)) >= 0) {
                return false;
            }
            done += part;
        }
        return true;
    }
}
