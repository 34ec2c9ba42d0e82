package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.CorruptedFrameException;
import java.util.List;

/**
 * Cuts a stream into {@link Frame}s. Every length is bounded before it is waited for; what breaks a
 * rule is thrown once, and nothing is read after it.
 */
final class FrameDecoder extends ByteToMessageDecoder {
    private boolean bad;

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
        if (bad) {
            in.skipBytes(in.readableBytes());
            return;
        }
        if (in.readableBytes() < Frames.HEADER_BYTES) {
            return;
        }
        int start = in.readerIndex();
        FrameType type = checkedType(in, start);
        int bytes = checkedLength(in, start, type);
        if (in.readableBytes() < Frames.HEADER_BYTES + bytes) {
            return;
        }
        ByteBuf body = in.slice(start + Frames.HEADER_BYTES, bytes);
        int checksum = Frames.checksum(in, body);
        if (checksum != in.getIntLE(start + 16)) {
            throw bad(type + " has a wrong checksum");
        }
        in.skipBytes(Frames.HEADER_BYTES);
        boolean compressed = in.getByte(start + 5) == Frames.COMPRESSED;
        out.add(new Frame(type, compressed, in.getIntLE(start + 12), in.readRetainedSlice(bytes)));
    }

    private FrameType checkedType(ByteBuf in, int start) {
        int magic = in.getIntLE(start);
        if (magic != Frames.MAGIC) {
            throw bad("magic 0x" + Integer.toHexString(magic) + " is not that of a frame");
        }
        int code = in.getUnsignedByte(start + 4);
        FrameType type = FrameType.of(code);
        if (type == null) {
            throw bad("type " + code + " is unknown");
        }
        int flags = in.getUnsignedByte(start + 5);
        if (flags != 0 && (flags != Frames.COMPRESSED || type != FrameType.DATA)) {
            throw bad(type + " has flags " + flags);
        }
        int reserved = in.getUnsignedShortLE(start + 6);
        if (reserved != 0) {
            throw bad(type + " has " + reserved + " in a reserved field");
        }
        return type;
    }

    private int checkedLength(ByteBuf in, int start, FrameType type) {
        long bytes = in.getUnsignedIntLE(start + 8);
        if (bytes > type.maximumBodyBytes()) {
            throw bad(type + " of " + bytes + " bytes exceeds maximum " + type.maximumBodyBytes());
        }
        return (int) bytes;
    }

    private CorruptedFrameException bad(String what) {
        bad = true;
        return new CorruptedFrameException(what);
    }
}
