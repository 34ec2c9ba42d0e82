package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Grows while edits are put into it. Not thread-safe. */
final class EditBuffer {
    private ByteBuffer buffer = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

    /** The buffer, at its end, with room for this many bytes more. */
    ByteBuffer ensure(int bytes) {
        if (buffer.remaining() < bytes) {
            int capacity = Math.max(buffer.capacity() * 2, buffer.position() + bytes);
            buffer =
                    ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN).put(buffer.flip());
        }
        return buffer;
    }

    int bytes() {
        return buffer.position();
    }

    /** What was put in; invalid after the next {@link #clear}. */
    ByteBuffer content() {
        return buffer.duplicate().flip();
    }

    void clear() {
        buffer.clear();
    }
}
