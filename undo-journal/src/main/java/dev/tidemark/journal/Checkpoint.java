package dev.tidemark.journal;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A group-consistent mark; the point is the state after the record with this sequence number.
 *
 * @param tagged named by an administrator or a script; false for the automatic ones
 * @param name at most {@link #MAXIMUM_NAME_BYTES} bytes of UTF-8; empty for automatic ones
 * @param description at most {@link #MAXIMUM_DESCRIPTION_BYTES} bytes of UTF-8
 */
public record Checkpoint(
        long sequence, long timeMicros, boolean tagged, String name, String description) {
    public static final int MAXIMUM_NAME_BYTES = 255;
    public static final int MAXIMUM_DESCRIPTION_BYTES = 4096;

    /**
     * Payload of a tagged CHECKPOINT record; an automatic one has none. The caller releases it.
     *
     * @throws IllegalArgumentException when a text is longer than its limit
     */
    public static ByteBuf payload(String name, String description) {
        byte[] nameBytes = bounded("name", name, MAXIMUM_NAME_BYTES);
        byte[] descriptionBytes = bounded("description", description, MAXIMUM_DESCRIPTION_BYTES);
        ByteBuf payload = Unpooled.buffer(4 + nameBytes.length + descriptionBytes.length);
        payload.writeShortLE(nameBytes.length).writeBytes(nameBytes);
        payload.writeShortLE(descriptionBytes.length).writeBytes(descriptionBytes);
        return payload;
    }

    /**
     * A checkpoint as its record says it.
     *
     * @param payload of a tagged one's record, as {@link #payload} made it; null for none
     * @throws IllegalArgumentException when that is something else
     */
    public static Checkpoint of(
            long sequence, long timeMicros, int flags, @Nullable ByteBuf payload) {
        if (payload == null) {
            return LogCursor.checkpointOf(sequence, timeMicros, flags, null);
        }
        try {
            ByteBuffer texts = payload.nioBuffer().order(ByteOrder.LITTLE_ENDIAN);
            return LogCursor.checkpointOf(sequence, timeMicros, flags, texts);
        } catch (BufferUnderflowException cut) {
            throw new IllegalArgumentException("a checkpoint's texts are cut short", cut);
        }
    }

    private static byte[] bounded(String what, String text, int maximumBytes) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > maximumBytes) {
            throw new IllegalArgumentException(
                    "checkpoint "
                            + what
                            + " of "
                            + bytes.length
                            + " bytes exceeds maximum "
                            + maximumBytes
                            + " (UTF-8); shorten it");
        }
        return bytes;
    }
}
