package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Limits of the protocol, and the form of a frame's header. */
public final class Frames {
    /** Raw bytes of a DATA body at most. */
    public static final int MAXIMUM_RAW_BYTES = 33 << 20;

    /** Bytes of the body of a frame other than DATA and MESSAGE. */
    public static final int MAXIMUM_CONTROL_BODY_BYTES = 64 << 10;

    /** Bytes of a message. */
    public static final int MAXIMUM_MESSAGE_BYTES = 1 << 20;

    /** What keeping a DATA takes besides its body: counted with it against credit. */
    static final int DATA_OVERHEAD_BYTES = 256;

    static final int MAXIMUM_BODY_BYTES = 34 << 20;
    static final int HEADER_BYTES = 20;

    /** {@code TLNK} as it is read, little-endian. */
    static final int MAGIC = 'T' | 'L' << 8 | 'N' << 16 | 'K' << 24;

    static final int COMPRESSED = 1;

    /** Bytes 4 to 15: what the checksum covers of the header. */
    static final int CHECKED_HEADER_BYTES = 12;

    private Frames() {}

    /** A frame of a body, which becomes part of it without a copy. */
    static ByteBuf frame(
            ByteBufAllocator allocator,
            FrameType type,
            boolean compressed,
            int channel,
            ByteBuf body) {
        int bytes = body.readableBytes();
        if (bytes > type.maximumBodyBytes()) {
            body.release();
            throw new IllegalArgumentException(
                    type + " of " + bytes + " bytes exceeds maximum " + type.maximumBodyBytes());
        }
        ByteBuf header = allocator.buffer(HEADER_BYTES, HEADER_BYTES);
        header.writeIntLE(MAGIC).writeByte(type.code()).writeByte(compressed ? COMPRESSED : 0);
        header.writeShortLE(0).writeIntLE(bytes).writeIntLE(channel);
        header.writeIntLE(checksum(header, body));
        return Unpooled.wrappedBuffer(header, body);
    }

    /** What a DATA takes of its channel's credit, and what is granted for it. */
    public static long credit(int rawBytes) {
        return (long) rawBytes + DATA_OVERHEAD_BYTES;
    }

    /** CRC32C of bytes 4 to 15 of a header and the readable bytes of a body. */
    static int checksum(ByteBuf header, ByteBuf body) {
        CRC32C checksum = new CRC32C();
        checksum.update(header.nioBuffer(header.readerIndex() + 4, CHECKED_HEADER_BYTES));
        for (ByteBuffer part : body.nioBuffers()) {
            checksum.update(part);
        }
        return (int) checksum.getValue();
    }
}
