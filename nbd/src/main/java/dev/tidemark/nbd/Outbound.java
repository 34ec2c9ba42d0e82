package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import org.jspecify.annotations.Nullable;

/**
 * Gathers replies into few buffers for the socket. Headers and short data are copied into one
 * buffer, since a short copy costs less than one more entry of the gathered write; long data is
 * passed on as it is. Belongs to an event loop.
 */
// A void promise reports failures to exceptionCaught; a failed close has nobody to tell.
@SuppressWarnings("FutureReturnValueIgnored")
final class Outbound {
    /** Measured: up to here a copy is cheaper than an entry of its own. */
    static final int COPY_BYTES = 16 << 10;

    private static final int GATHER_BYTES = 64 << 10;

    /** So much is not held back until the end of the turn: the client can work on it already. */
    private static final int EARLY_FLUSH_BYTES = 512 << 10;

    private final ChannelHandlerContext ctx;
    private @Nullable ByteBuf gathered;
    private int expectedBytes = 256;
    private int copiedBytes;
    private int writtenBytes;

    Outbound(ChannelHandlerContext ctx) {
        this.ctx = ctx;
    }

    /** A buffer to write {@code bytes} bytes to, which will be sent in their place. */
    ByteBuf room(int bytes) {
        copiedBytes += bytes;
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

    /** Sends data, taken over, behind what was written to {@code header} just before. */
    void append(ByteBuf header, ByteBuf data) {
        int lengthBytes = data.readableBytes();
        ctx.write(header.readRetainedSlice(header.readableBytes()), ctx.voidPromise());
        ctx.write(data, ctx.voidPromise());
        writtenBytes += lengthBytes;
        if (writtenBytes >= EARLY_FLUSH_BYTES) {
            writtenBytes = 0;
            ctx.flush();
        }
    }

    /** Hands everything gathered to the socket. */
    void flush() {
        ByteBuf buffer = gathered;
        if (buffer != null) {
            pass(buffer);
            expectedBytes = Math.clamp(copiedBytes, 256, GATHER_BYTES);
        }
        copiedBytes = 0;
        writtenBytes = 0;
        ctx.flush();
    }

    /** Drops everything gathered; the connection is gone. */
    void discard() {
        ByteBuf buffer = gathered;
        gathered = null;
        if (buffer != null) {
            buffer.release();
        }
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
