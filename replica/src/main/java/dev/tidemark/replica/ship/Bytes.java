package dev.tidemark.replica.ship;

import dev.tidemark.replica.link.Fields;
import io.netty.buffer.ByteBuf;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/** The link's {@link Fields}, where what is too short or too long is a malformed message. */
final class Bytes {
    private static final int MAXIMUM_NAME_BYTES = 255;

    private Bytes() {}

    static void require(ByteBuf from, long bytes) throws MalformedMessageException {
        if (from.readableBytes() < bytes) {
            throw new MalformedMessageException(
                    bytes + " bytes are asked for, " + from.readableBytes() + " are left");
        }
    }

    static void writeUuid(ByteBuf into, UUID id) {
        Fields.writeId(into, id);
    }

    static UUID readUuid(ByteBuf from) throws MalformedMessageException {
        require(from, 16);
        return Fields.readId(from);
    }

    static void writeText(ByteBuf into, String text) {
        Fields.writeText(into, text);
    }

    static String readText(ByteBuf from) throws MalformedMessageException {
        require(from, 2);
        int bytes = from.readUnsignedShortLE();
        if (bytes > Fields.MAXIMUM_TEXT_BYTES) {
            throw new MalformedMessageException(
                    "a text of " + bytes + " bytes; at most " + Fields.MAXIMUM_TEXT_BYTES);
        }
        require(from, bytes);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(from.readSlice(bytes).nioBuffer())
                    .toString();
        } catch (CharacterCodingException malformed) {
            throw new MalformedMessageException("a text of " + bytes + " bytes is not UTF-8");
        }
    }

    /** A text of 1 to 255 bytes that is one line. */
    static String readName(ByteBuf from) throws MalformedMessageException {
        int start = from.readerIndex();
        String name = readText(from);
        int bytes = from.readerIndex() - start - 2;
        if (name.isBlank()
                || bytes > MAXIMUM_NAME_BYTES
                || name.chars().anyMatch(Character::isISOControl)) {
            throw new MalformedMessageException("a name of " + bytes + " bytes is none");
        }
        return name;
    }
}
