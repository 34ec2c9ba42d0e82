package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import org.jspecify.annotations.Nullable;

/**
 * Simple replies (proto.md "Simple reply message"): magic, error, cookie, and a read's bytes.
 *
 * <p>Headers and short data are copied into one buffer, since a short copy costs less than one more
 * entry of the gathered write; long data is passed on as it is.
 */
// A void promise reports failures to exceptionCaught; a failed close has nobody to tell.
@SuppressWarnings("FutureReturnValueIgnored")
final class SimpleReplyWriter implements ReplyWriter {
    static final int MAGIC = 0x67446698;
    static final int HEADER_BYTES = 16;

    /** Measured: up to here a copy is cheaper than an entry of its own. */
    private static final int COPY_BYTES = 16 << 10;

    private static final int GATHER_BYTES = 64 << 10;

    /** So much is not held back until the end of the turn: the client can work on it already. */
    private static final int EARLY_FLUSH_BYTES = 512 << 10;

    private final ChannelHandlerContext ctx;
    private @Nullable ByteBuf gathered;
    private int expectedBytes = 256;
    private int copiedBytes;
    private int writtenBytes;

    SimpleReplyWriter(ChannelHandlerContext ctx) {
        this.ctx = ctx;
    }

    @Override
    public void succeeded(long cookie) {
        header(cookie, NbdError.OK, 0);
    }

    @Override
    public void failed(NbdCommand command, long cookie, NbdError error, String text) {
        header(cookie, error, 0);
    }

    @Override
    public void data(long cookie, long offsetBytes, ByteBuf data) {
        int lengthBytes = data.readableBytes();
        if (lengthBytes <= COPY_BYTES) {
            header(cookie, NbdError.OK, lengthBytes).writeBytes(data);
            copiedBytes += lengthBytes;
            data.release();
            return;
        }
        ByteBuf buffer = header(cookie, NbdError.OK, 0);
        ctx.write(buffer.readRetainedSlice(buffer.readableBytes()), ctx.voidPromise());
        ctx.write(data, ctx.voidPromise());
        writtenBytes += lengthBytes;
        if (writtenBytes >= EARLY_FLUSH_BYTES) {
            writtenBytes = 0;
            ctx.flush();
        }
    }

    @Override
    public void flush() {
        ByteBuf buffer = gathered;
        if (buffer != null) {
            pass(buffer);
            expectedBytes = Math.clamp(copiedBytes, 256, GATHER_BYTES);
        }
        copiedBytes = 0;
        writtenBytes = 0;
        ctx.flush();
    }

    @Override
    public void discard() {
        ByteBuf buffer = gathered;
        gathered = null;
        if (buffer != null) {
            buffer.release();
        }
    }

    private ByteBuf header(long cookie, NbdError error, int dataBytes) {
        ByteBuf buffer = room(HEADER_BYTES + dataBytes);
        copiedBytes += HEADER_BYTES;
        return buffer.writeInt(MAGIC).writeInt(error.value()).writeLong(cookie);
    }

    private ByteBuf room(int bytes) {
        ByteBuf buffer = gathered;
        if (buffer != null && buffer.writableBytes() < bytes) {
            pass(buffer);
            expectedBytes = GATHER_BYTES;
            buffer = null;
        }
        if (buffer == null) {
            buffer = ctx.alloc().directBuffer(Math.max(expectedBytes, bytes));
            gathered = buffer;
        }
        return buffer;
    }

    private void pass(ByteBuf buffer) {
        gathered = null;
        if (buffer.isReadable()) {
            ctx.write(buffer, ctx.voidPromise());
        } else {
            buffer.release();
        }
    }
}
