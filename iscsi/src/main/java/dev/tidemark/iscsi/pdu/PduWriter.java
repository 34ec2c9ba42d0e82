package dev.tidemark.iscsi.pdu;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import org.jspecify.annotations.Nullable;

/**
 * Sends PDUs: header, data, padding and digests. Belongs to one event loop.
 *
 * <p>Headers and short data are copied into one buffer, since a short copy costs less than one more
 * entry of the gathered write; long data is passed on as it is. Nothing leaves before {@link
 * #flush}.
 */
// A void promise reports failures to exceptionCaught.
@SuppressWarnings("FutureReturnValueIgnored")
public final class PduWriter {
    /** Up to here a copy is cheaper than an entry of its own. */
    private static final int COPY_BYTES = 16 << 10;

    private static final int GATHER_BYTES = 64 << 10;
    private static final int INITIAL_BYTES = 512;

    /** Header, two digests and padding. */
    private static final int FRAME_BYTES = Header.BYTES + 4 + 3 + 4;

    private final ChannelHandlerContext ctx;
    private @Nullable ByteBuf gathered;
    private int expectedBytes = INITIAL_BYTES;
    private boolean headerDigest;
    private boolean dataDigest;

    public PduWriter(ChannelHandlerContext ctx) {
        this.ctx = ctx;
    }

    /** What holds from the next PDU on. */
    public void configure(boolean withHeaderDigest, boolean withDataDigest) {
        headerDigest = withHeaderDigest;
        dataDigest = withDataDigest;
    }

    /** A PDU without data. */
    public void write(Header header) {
        write(header, Unpooled.EMPTY_BUFFER);
    }

    /**
     * A PDU, whose header gets the data's length.
     *
     * @param data the data segment without padding; taken over and released
     */
    public void write(Header header, ByteBuf data) {
        int lengthBytes = data.readableBytes();
        header.dataBytes(lengthBytes);
        boolean copied = lengthBytes <= COPY_BYTES;
        ByteBuf buffer = room(FRAME_BYTES + (copied ? lengthBytes : 0));
        buffer.writeBytes(header.bytes());
        if (headerDigest) {
            buffer.writeIntLE(Crc32c.of(header.bytes(), new byte[0]));
        }
        if (lengthBytes == 0) {
            data.release();
            return;
        }
        int digest = dataDigest ? Crc32c.of(data) : 0;
        if (copied) {
            buffer.writeBytes(data);
            data.release();
        } else {
            ctx.write(buffer.readRetainedSlice(buffer.readableBytes()), ctx.voidPromise());
            ctx.write(data, ctx.voidPromise());
        }
        buffer.writeZero(Padding.of(lengthBytes));
        if (dataDigest) {
            buffer.writeIntLE(digest);
        }
    }

    /** Sends everything written so far. */
    public void flush() {
        ByteBuf buffer = gathered;
        if (buffer != null) {
            pass(buffer);
        }
        ctx.flush();
    }

    /** Drops what was not sent. */
    public void discard() {
        ByteBuf buffer = gathered;
        gathered = null;
        if (buffer != null) {
            buffer.release();
        }
    }

    private ByteBuf room(int bytes) {
        ByteBuf buffer = gathered;
        if (buffer != null && buffer.writableBytes() < bytes) {
            pass(buffer);
            expectedBytes = GATHER_BYTES;
            buffer = null;
        } else if (buffer == null) {
            expectedBytes = Math.max(INITIAL_BYTES, expectedBytes / 2);
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
