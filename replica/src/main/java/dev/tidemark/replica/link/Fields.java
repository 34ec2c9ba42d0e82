package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * What bodies of the link protocol are made of, for whoever writes and reads them: texts as UTF-8
 * behind a length of 16 bits, ids as 16 bytes in the order in which they are read. Numbers are
 * little-endian.
 */
public final class Fields {
    /** The longest text, in bytes. */
    public static final int MAXIMUM_TEXT_BYTES = 4096;

    private Fields() {}

    /**
     * Appends a text.
     *
     * @throws IllegalArgumentException when it is longer than {@link #MAXIMUM_TEXT_BYTES}
     */
    public static void writeText(ByteBuf into, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > MAXIMUM_TEXT_BYTES) {
            throw new IllegalArgumentException("a text of " + bytes.length + " bytes");
        }
        into.writeShortLE(bytes.length).writeBytes(bytes);
    }

    /**
     * Reads a text.
     *
     * @throws IndexOutOfBoundsException when it is cut short, or longer than {@link
     *     #MAXIMUM_TEXT_BYTES}
     */
    public static String readText(ByteBuf from) {
        int length = from.readUnsignedShortLE();
        if (length > MAXIMUM_TEXT_BYTES) {
            throw new IndexOutOfBoundsException(
                    "a text of " + length + " bytes; at most " + MAXIMUM_TEXT_BYTES);
        }
        return from.readCharSequence(length, StandardCharsets.UTF_8).toString();
    }

    /** Appends an id. */
    public static void writeId(ByteBuf into, UUID id) {
        into.writeLong(id.getMostSignificantBits()).writeLong(id.getLeastSignificantBits());
    }

    /**
     * Reads an id.
     *
     * @throws IndexOutOfBoundsException when it is cut short
     */
    public static UUID readId(ByteBuf from) {
        return new UUID(from.readLong(), from.readLong());
    }
}
