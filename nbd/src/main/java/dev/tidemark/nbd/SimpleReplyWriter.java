package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;

/** Simple replies (proto.md "Simple reply message"): magic, error, cookie, and a read's bytes. */
final class SimpleReplyWriter implements ReplyWriter {
    static final int MAGIC = 0x67446698;
    static final int HEADER_BYTES = 16;

    private final Outbound out;

    SimpleReplyWriter(ChannelHandlerContext ctx) {
        this.out = new Outbound(ctx);
    }

    @Override
    public void succeeded(long cookie, long requestOffset) {
        header(cookie, NbdError.OK, 0);
    }

    @Override
    public void failed(long cookie, long requestOffset, NbdError error, String text) {
        header(cookie, error, 0);
    }

    @Override
    public void data(long cookie, long requestOffset, ByteBuf data) {
        int lengthBytes = data.readableBytes();
        if (lengthBytes <= Outbound.COPY_BYTES) {
            header(cookie, NbdError.OK, lengthBytes).writeBytes(data);
            data.release();
        } else {
            out.append(header(cookie, NbdError.OK, 0), data);
        }
    }

    @Override
    public void flush() {
        out.flush();
    }

    @Override
    public void discard() {
        out.discard();
    }

    private ByteBuf header(long cookie, NbdError error, int dataBytes) {
        return out.room(HEADER_BYTES + dataBytes)
                .writeInt(MAGIC)
                .writeInt(error.value())
                .writeLong(cookie);
    }
}
