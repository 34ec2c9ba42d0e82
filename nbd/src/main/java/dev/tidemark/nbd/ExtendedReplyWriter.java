package dev.tidemark.nbd;

import dev.tidemark.blockdevice.RangeStatus;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;

/**
 * Extended replies (extension-ext-header, "Extended reply chunk message"), big-endian:
 *
 * <pre>
 * offset size field
 *      0    4 magic
 *      4    2 flags
 *      6    2 type
 *      8    8 cookie
 *     16    8 offset of the request
 *     24    8 length of the payload
 * </pre>
 */
final class ExtendedReplyWriter extends ChunkWriter {
    static final int MAGIC = 0x6e8a278c;
    static final int HEADER_BYTES = 32;

    ExtendedReplyWriter(ChannelHandlerContext ctx) {
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
                .writeLong(requestOffset)
                .writeLong(payloadBytes);
    }

    @Override
    int statusType() {
        return TYPE_BLOCK_STATUS_EXT;
    }

    @Override
    int statusBytes(RangeStatus status) {
        return 8 + 16 * status.count();
    }

    @Override
    void writeStatus(ByteBuf out, int contextId, RangeStatus status) {
        out.writeInt(contextId).writeInt(status.count());
        for (int index = 0; index < status.count(); index++) {
            out.writeLong(status.lengthBytes(index)).writeLong(status.value(index));
        }
    }
}
