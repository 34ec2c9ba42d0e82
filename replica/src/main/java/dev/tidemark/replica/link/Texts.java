package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/** Texts of the protocol: UTF-8 behind a length of 16 bits; longer ones are cut. */
final class Texts {
    private static final int MAXIMUM_BYTES = 4096;

    private Texts() {}

    static void write(ByteBuf into, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(bytes.length, MAXIMUM_BYTES);
        into.writeShortLE(length).writeBytes(bytes, 0, length);
    }

    static ByteBuf of(String text) {
        ByteBuf body = Unpooled.buffer();
        write(body, text);
        return body;
    }

    /**
     * @throws IndexOutOfBoundsException when it is cut short
     */
    static String read(ByteBuf from) {
        int length = from.readUnsignedShortLE();
        return from.readCharSequence(length, StandardCharsets.UTF_8).toString();
    }

    /** The body of REFUSE. */
    static ByteBuf refusal(Refusal refusal, String text) {
        ByteBuf body = Unpooled.buffer().writeShortLE(refusal.code());
        write(body, text);
        return body;
    }
}
