package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The first frames of a connection, until it becomes a stream or has paired two sites. What goes
 * wrong is told to {@link Talk#failed} once, and the connection is closed. On its event loop.
 */
final class Greeting extends ChannelInboundHandlerAdapter {
    private static final long TIME_SECONDS = 10;

    /** What is said after the TLS handshake. */
    interface Talk {
        /** TLS is done. */
        void begin(Greeting greeting) throws PeerRefusedException;

        /** A frame came; its body is lent. */
        void take(Greeting greeting, Frame frame) throws PeerRefusedException;

        /** It ends without having come to anything. */
        void failed(@Nullable Refusal refusal, String reason);
    }

    private final SslHandler tls;
    private final Talk talk;
    private final Runnable onDone;
    private @Nullable ChannelHandlerContext context;
    private @Nullable Future<?> timeout;
    private boolean done;

    /**
     * @param onDone told once when it has become something else, or nothing
     */
    Greeting(SslHandler tls, Talk talk, Runnable onDone) {
        this.tls = tls;
        this.talk = talk;
        this.onDone = onDone;
    }

    SslHandler tls() {
        return tls;
    }

    private ChannelHandlerContext context() {
        ChannelHandlerContext known = context;
        if (known == null) {
            throw new IllegalStateException("not in a pipeline");
        }
        return known;
    }

    Channel channel() {
        return context().channel();
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
        timeout =
                ctx.executor()
                        .schedule(
                                () -> fail(null, "the peer did not greet within 10 s"),
                                TIME_SECONDS,
                                TimeUnit.SECONDS);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof SslHandshakeCompletionEvent handshake) {
            if (handshake.isSuccess()) {
                step(() -> talk.begin(this));
            } else {
                fail(null, "TLS: " + handshake.cause().getMessage());
            }
        }
        ctx.fireUserEventTriggered(event);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        Frame frame = (Frame) message;
        try {
            if (!done) {
                step(() -> takeOrBeRefused(frame));
            }
        } finally {
            frame.body().release();
        }
    }

    private void takeOrBeRefused(Frame frame) throws PeerRefusedException {
        if (frame.type() == FrameType.REFUSE) {
            Refusal refusal = Refusal.of(frame.body().readUnsignedShortLE());
            fail(refusal, "the peer refuses: " + Texts.read(frame.body()));
        } else {
            talk.take(this, frame);
        }
    }

    private interface Step {
        void run() throws PeerRefusedException;
    }

    private void step(Step step) {
        try {
            step.run();
        } catch (PeerRefusedException refused) {
            refuse(refused.refusal(), String.valueOf(refused.getMessage()));
        } catch (IndexOutOfBoundsException cut) {
            refuse(Refusal.MALFORMED, "a message is cut short");
        }
    }

    void send(FrameType type, ByteBuf body) {
        var _ =
                channel()
                        .writeAndFlush(
                                Frames.frame(ByteBufAllocator.DEFAULT, type, false, 0, body));
    }

    /** Tells the peer why not, and ends it. */
    void refuse(Refusal refusal, String text) {
        if (done) {
            return;
        }
        end();
        ByteBuf frame =
                Frames.frame(
                        ByteBufAllocator.DEFAULT,
                        FrameType.REFUSE,
                        false,
                        0,
                        Texts.refusal(refusal, text));
        var _ = channel().writeAndFlush(frame).addListener(ChannelFutureListener.CLOSE);
        talk.failed(refusal, text);
    }

    void fail(@Nullable Refusal refusal, String reason) {
        if (!done) {
            end();
            var _ = channel().close();
            talk.failed(refusal, reason);
        }
    }

    private void end() {
        if (done) {
            return;
        }
        done = true;
        onDone.run();
        Future<?> pending = timeout;
        if (pending != null) {
            pending.cancel(false);
        }
    }

    /** The connection is a stream from here on. */
    StreamHandler becomeStream() {
        end();
        StreamHandler stream = new StreamHandler(channel());
        channel().pipeline().replace(this, "stream", stream);
        return stream;
    }

    /** It has done what it was for: closed once everything is sent. */
    void finish() {
        end();
        channel()
                .eventLoop()
                .execute(() -> {
                    var _ = channel().flush().close();
                });
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        fail(null, String.valueOf(cause.getMessage()));
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        fail(null, "the peer hung up before it had greeted");
    }
}
