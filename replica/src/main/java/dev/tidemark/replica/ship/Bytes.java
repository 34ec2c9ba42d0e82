package dev.tidemark.replica.ship;

import dev.tidemark.replica.link.Fields;
import io.netty.buffer.ByteBuf;
import java.util.UUID;

/** The link's {@link Fields}, where what is too short or too long is a malformed message. */
final class Bytes {
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
        try {
            return Fields.readText(from);
        } catch (IndexOutOfBoundsException malformed) {
            throw new MalformedMessageException(String.valueOf(malformed.getMessage()));
        }
    }
}
