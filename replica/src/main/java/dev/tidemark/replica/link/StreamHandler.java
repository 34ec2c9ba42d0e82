package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * A connection that has become a stream: hands frames over to its link. What comes before the link
 * is there waits; it is little, since DATA needs a channel first.
 */
final class StreamHandler extends ChannelInboundHandlerAdapter implements FrameStream {
    private static final int MAXIMUM_EARLY_FRAMES = 64;
    private static final int MAXIMUM_EARLY_BYTES = Frames.MAXIMUM_BODY_BYTES;

    /** What waits for a peer that does not read, of answers above all: DATA waits for room. */
    private static final long MAXIMUM_UNREAD_BYTES = 64L << 20;

    private final Channel channel;

    /** Guarded by this. */
    private final Queue<Frame> early = new ArrayDeque<>();

    private int earlyBytes; // guarded by this
    private @Nullable LinkCore link; // guarded by this
    private @Nullable String ended; // guarded by this

    StreamHandler(Channel channel) {
        this.channel = channel;
    }

    /** From here on frames go to the link. */
    synchronized void attach(LinkCore core) {
        link = core;
        early.forEach(core::received);
        early.clear();
        String reason = ended;
        if (reason != null) {
            core.streamEnded(reason);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        Frame frame = (Frame) message;
        synchronized (this) {
            LinkCore core = link;
            if (core != null) {
                core.received(frame);
                return;
            }
            earlyBytes += frame.body().readableBytes();
            if (early.size() < MAXIMUM_EARLY_FRAMES && earlyBytes <= MAXIMUM_EARLY_BYTES) {
                early.add(frame);
            } else {
                frame.body().release();
                var _ = ctx.close();
            }
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        LinkCore core = core();
        if (core != null && channel.isWritable()) {
            core.writable();
        }
    }

    private synchronized @Nullable LinkCore core() {
        return link;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        end(String.valueOf(cause.getMessage()));
        var _ = ctx.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        end("the connection ended");
    }

    private synchronized void end(String reason) {
        if (ended == null) {
            ended = reason;
            early.forEach(frame -> frame.body().release());
            early.clear();
            LinkCore core = link;
            if (core != null) {
                core.streamEnded(reason);
            }
        }
    }

    @Override
    public void send(ByteBuf frame) {
        if (channel.bytesBeforeWritable() > MAXIMUM_UNREAD_BYTES) {
            frame.release();
            end("the peer does not read what it asks for");
            var _ = channel.close();
            return;
        }
        var _ = channel.writeAndFlush(frame, channel.voidPromise());
    }

    @Override
    public boolean isWritable() {
        return channel.isWritable();
    }

    @Override
    public void close() {
        // After what was written: a refusal's text has to arrive.
        channel.eventLoop()
                .execute(() -> {
                    var _ = channel.flush().close();
                });
    }
}
