package dev.tidemark.replica.ship;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/** The pieces that messages are made of; every length is checked before it is used. */
final class Bytes {
    private static final int MAXIMUM_TEXT_BYTES = 4096;

    private Bytes() {}

    static void require(ByteBuf from, long bytes) throws MalformedMessageException {
        if (from.readableBytes() < bytes) {
            throw new MalformedMessageException(
                    bytes + " bytes are asked for, " + from.readableBytes() + " are left");
        }
    }

    static void writeUuid(ByteBuf into, UUID id) {
        into.writeLong(id.getMostSignificantBits()).writeLong(id.getLeastSignificantBits());
    }

    static UUID readUuid(ByteBuf from) throws MalformedMessageException {
        require(from, 16);
        return new UUID(from.readLong(), from.readLong());
    }

    static void writeText(ByteBuf into, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > MAXIMUM_TEXT_BYTES) {
            throw new IllegalArgumentException("a text of " + bytes.length + " bytes");
        }
        into.writeShortLE(bytes.length).writeBytes(bytes);
    }

    static String readText(ByteBuf from) throws MalformedMessageException {
        require(from, 2);
        int length = from.readUnsignedShortLE();
        if (length > MAXIMUM_TEXT_BYTES) {
            throw new MalformedMessageException(
                    "a text of " + length + " bytes; at most " + MAXIMUM_TEXT_BYTES);
        }
        require(from, length);
        return from.readCharSequence(length, StandardCharsets.UTF_8).toString();
    }
}
