package dev.tidemark.journal;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

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
