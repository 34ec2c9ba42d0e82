package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/** Texts for people in the protocol: those that are too long for it are cut. */
final class Texts {
    private Texts() {}

    static void write(ByteBuf into, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(bytes.length, Fields.MAXIMUM_TEXT_BYTES);
        into.writeShortLE(length).writeBytes(bytes, 0, length);
    }

    static ByteBuf of(String text) {
        ByteBuf body = Unpooled.buffer();
        write(body, text);
        return body;
    }

    /** As {@link Fields#readText}. */
    static String read(ByteBuf from) {
        return Fields.readText(from);
    }

    /** The body of REFUSE. */
    static ByteBuf refusal(Refusal refusal, String text) {
        ByteBuf body = Unpooled.buffer().writeShortLE(refusal.code());
        write(body, text);
        return body;
    }
}
