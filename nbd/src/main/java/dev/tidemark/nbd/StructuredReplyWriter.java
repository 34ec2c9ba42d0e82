package dev.tidemark.nbd;

import dev.tidemark.blockdevice.RangeStatus;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;

/**
 * Structured replies (proto.md "Structured reply chunk message"), big-endian:
 *
 * <pre>
 * offset size field
 *      0    4 magic
 *      4    2 flags
 *      6    2 type
 *      8    8 cookie
 *     16    4 length of the payload
 * </pre>
 */
final class StructuredReplyWriter extends ChunkWriter {
    static final int MAGIC = 0x668e33ef;
    static final int HEADER_BYTES = 20;

    StructuredReplyWriter(ChannelHandlerContext ctx) {
        super(ctx);
    }

    @Override
    int headerBytes() {
        return HEADER_BYTES;
    }

    @Override
    void writeHeader(
            ByteBuf out, int flags, int type, long cookie, long requestOffset, int payloadBytes) {
        out.writeInt(MAGIC)
                .writeShort(flags)
                .writeShort(type)
                .writeLong(cookie)
                .writeInt(payloadBytes);
    }

    @Override
    int statusType() {
        return TYPE_BLOCK_STATUS;
    }

    @Override
    int statusBytes(RangeStatus status) {
        return 4 + 8 * status.count();
    }

    /** Lengths fit: no answer goes beyond its request, whose length has 32 bits. */
    @Override
    void writeStatus(ByteBuf out, int contextId, RangeStatus status) {
        out.writeInt(contextId);
        for (int index = 0; index < status.count(); index++) {
            out.writeInt((int) status.lengthBytes(index)).writeInt((int) status.value(index));
        }
    }
}
