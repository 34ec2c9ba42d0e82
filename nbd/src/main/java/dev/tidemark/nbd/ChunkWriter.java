package dev.tidemark.nbd;

import dev.tidemark.blockdevice.RangeStatus;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;

/**
 * Replies in chunks (proto.md "Structured reply types"). The two forms differ in their headers and
 * in how block status is laid out.
 *
 * <p>A chunk is written once everything in it is known: none has to be padded because its data
 * could not be read. {@code done} marks the last chunk of a reply.
 */
abstract class ChunkWriter implements ReplyWriter {
    static final int FLAG_DONE = 1;

    static final int TYPE_NONE = 0;
    static final int TYPE_OFFSET_DATA = 1;
    static final int TYPE_OFFSET_HOLE = 2;
    static final int TYPE_BLOCK_STATUS = 5;
    static final int TYPE_BLOCK_STATUS_EXT = 6;
    static final int TYPE_ERROR = 0x8001;
    static final int TYPE_ERROR_OFFSET = 0x8002;

    private final Outbound out;

    ChunkWriter(ChannelHandlerContext ctx) {
        this.out = new Outbound(ctx);
    }

    /** Size of a chunk's header. */
    abstract int headerBytes();

    /** Writes a chunk's header. */
    abstract void writeHeader(
            ByteBuf out, int flags, int type, long cookie, long requestOffset, int payloadBytes);

    /** Size of a block status payload. */
    abstract int statusBytes(RangeStatus status);

    /** The chunk type of block status. */
    abstract int statusType();

    /** Writes a block status payload. */
    abstract void writeStatus(ByteBuf out, int contextId, RangeStatus status);

    @Override
    public final void succeeded(long cookie, long requestOffset) {
        chunk(true, TYPE_NONE, cookie, requestOffset, 0, 0);
    }

    @Override
    public final void data(long cookie, long requestOffset, ByteBuf data) {
        if (data.isReadable()) {
            data(cookie, requestOffset, requestOffset, data, true);
        } else {
            data.release();
            succeeded(cookie, requestOffset); // a data chunk describes at least one byte
        }
    }

    /** Part of a read's bytes, at least one. Takes {@code data} over. */
    final void data(long cookie, long requestOffset, long offsetBytes, ByteBuf data, boolean done) {
        int lengthBytes = data.readableBytes();
        boolean copied = lengthBytes <= Outbound.COPY_BYTES;
        ByteBuf chunk =
                chunk(
                                done,
                                TYPE_OFFSET_DATA,
                                cookie,
                                requestOffset,
                                8 + lengthBytes,
                                copied ? 8 + lengthBytes : 8)
                        .writeLong(offsetBytes);
        if (copied) {
            chunk.writeBytes(data);
            data.release();
        } else {
            out.append(chunk, data);
        }
    }

    /** Part of a read that is zeros. */
    final void hole(
            long cookie, long requestOffset, long offsetBytes, int lengthBytes, boolean done) {
        chunk(done, TYPE_OFFSET_HOLE, cookie, requestOffset, 12, 12)
                .writeLong(offsetBytes)
                .writeInt(lengthBytes);
    }

    /** What a metadata context says. */
    final void status(
            long cookie, long requestOffset, int contextId, RangeStatus status, boolean done) {
        int bytes = statusBytes(status);
        writeStatus(
                chunk(done, statusType(), cookie, requestOffset, bytes, bytes), contextId, status);
    }

    @Override
    public final void failed(long cookie, long requestOffset, NbdError error, String text) {
        String bounded = OptionReplies.bounded(text);
        int textBytes = ByteBufUtil.utf8Bytes(bounded);
        ByteBuf chunk =
                chunk(true, TYPE_ERROR, cookie, requestOffset, 6 + textBytes, 6 + textBytes);
        writeError(chunk, error, bounded, textBytes);
    }

    /** Part of a request has failed, from {@code offsetBytes} on. */
    final void failedAt(
            long cookie,
            long requestOffset,
            long offsetBytes,
            NbdError error,
            String text,
            boolean done) {
        String bounded = OptionReplies.bounded(text);
        int textBytes = ByteBufUtil.utf8Bytes(bounded);
        int bytes = 6 + textBytes + 8;
        ByteBuf chunk = chunk(done, TYPE_ERROR_OFFSET, cookie, requestOffset, bytes, bytes);
        writeError(chunk, error, bounded, textBytes);
        chunk.writeLong(offsetBytes);
    }

    private static void writeError(ByteBuf chunk, NbdError error, String text, int textBytes) {
        chunk.writeInt(error.value()).writeShort(textBytes);
        ByteBufUtil.writeUtf8(chunk, text);
    }

    private ByteBuf chunk(
            boolean done,
            int type,
            long cookie,
            long requestOffset,
            int payloadBytes,
            int copiedBytes) {
        ByteBuf chunk = out.room(headerBytes() + copiedBytes);
        writeHeader(chunk, done ? FLAG_DONE : 0, type, cookie, requestOffset, payloadBytes);
        return chunk;
    }

    @Override
    public final void flush() {
        out.flush();
    }

    @Override
    public final void discard() {
        out.discard();
    }
}
