package dev.tidemark.nbd;

import dev.tidemark.execution.Causes;
import dev.tidemark.nbd.OptionRequest.Abort;
import dev.tidemark.nbd.OptionRequest.ExportName;
import dev.tidemark.nbd.OptionRequest.ExtendedHeaders;
import dev.tidemark.nbd.OptionRequest.Hangup;
import dev.tidemark.nbd.OptionRequest.Information;
import dev.tidemark.nbd.OptionRequest.ListExports;
import dev.tidemark.nbd.OptionRequest.MetaContexts;
import dev.tidemark.nbd.OptionRequest.Refused;
import dev.tidemark.nbd.OptionRequest.StartTls;
import dev.tidemark.nbd.OptionRequest.StructuredReplies;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.concurrent.Future;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection until its client has chosen an export (proto.md "Newstyle negotiation").
 *
 * <p>Options are answered one after the other, each by a unit of its own ({@link ListOption},
 * {@link ExportOption}, {@link MetaContextOption}, {@link TlsOption}). While the catalogue works on
 * one, nothing is parsed and the socket is not read. What a client sent ahead of the answer goes on
 * to the {@link TransmissionHandler}. What has been agreed on is kept in {@link Negotiation} alone.
 */
// A void promise reports failures to exceptionCaught; a failed close has nobody to tell.
@SuppressWarnings("FutureReturnValueIgnored")
final class HandshakeHandler extends ChannelInboundHandlerAdapter
        implements OptionDecoder.Sink, OptionExchange {
    private static final Logger LOG = LoggerFactory.getLogger(HandshakeHandler.class);

    private enum State {
        /** Options are taken. */
        OPEN,
        /** The catalogue is at work. */
        WAITING,
        /** Nothing more is parsed before TLS has its bytes. */
        SECURING,
        DONE
    }

    private final NbdService service;
    private final OptionDecoder decoder;
    private final Negotiation negotiation = new Negotiation();
    private State state = State.OPEN;
    private boolean zeroes = true;
    private boolean moreAllowed;
    private boolean late;
    private boolean ending;
    private int option;

    private @Nullable ChannelHandlerContext context;
    private @Nullable ByteBuf input;
    private @Nullable Future<?> deadline;
    private boolean decoding;
    private @Nullable SslHandler securing;

    HandshakeHandler(NbdService service) {
        this.service = service;
        this.decoder = new OptionDecoder(this, service.limits().maximumOptions());
    }

    // ---- the channel

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        service.metrics().connectionOpened();
        if (service.stopping()) {
            hangUp("the server is stopping");
            return;
        }
        deadline =
                ctx.executor()
                        .schedule(
                                this::deadlineReached,
                                service.limits().handshakeTimeoutMs(),
                                TimeUnit.MILLISECONDS);
        reply(replies().greeting());
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf received = (ByteBuf) message;
        if (state == State.DONE) {
            received.release();
            return;
        }
        ByteBuf waiting = input;
        if (waiting == null) {
            input = received;
        } else {
            input = waiting.discardReadBytes().writeBytes(received);
            received.release();
        }
        decode();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent
                || event instanceof SslCloseCompletionEvent) {
            ctx.close();
        } else if (event instanceof SslHandshakeCompletionEvent tls) {
            secured(tls);
        } else if (event == StopEvent.INSTANCE) {
            ctx.executor()
                    .schedule(
                            () -> {
                                if (state == State.OPEN) {
                                    ctx.close();
                                }
                            },
                            StopEvent.GRACE_MS,
                            TimeUnit.MILLISECONDS);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        if (!ending) {
            service.metrics().handshakeFailed();
        }
        service.metrics().connectionClosed();
        state = State.DONE;
        negotiation.forget();
        dropInput();
        cancelDeadline();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        dropInput();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (Peer.isToBlame(cause)) {
            LOG.debug(
                    "{}: connection lost in the handshake: {}", ctx.channel(), cause.getMessage());
        } else {
            LOG.warn("{}: handshake failed", ctx.channel(), cause);
        }
        ctx.close();
    }

    private void deadlineReached() {
        if (state == State.WAITING) {
            late = true; // the time the catalogue takes is not the client's
        } else if (state != State.DONE) {
            hangUp(
                    "no export was chosen within %d ms"
                            .formatted(service.limits().handshakeTimeoutMs()));
        }
    }

    private void decode() {
        if (decoding) {
            return;
        }
        decoding = true;
        try {
            ByteBuf in = input;
            if (in != null) {
                decoder.decode(in);
            }
        } finally {
            decoding = false;
        }
        if (state == State.SECURING) {
            wrap();
            return;
        }
        ByteBuf rest = input;
        if (rest != null && !rest.isReadable()) {
            dropInput();
        }
    }

    // ---- what was decoded

    @Override
    public boolean ready() {
        return state == State.OPEN;
    }

    @Override
    public void greeted(boolean wantsZeroes) {
        zeroes = wantsZeroes;
    }

    @Override
    public void malformed(String reason) {
        hangUp(reason);
    }

    @Override
    public void option(int code, OptionRequest request) {
        option = code;
        if (code == Handshake.OPTION_SET_META_CONTEXT) {
            negotiation.select("", List.of()); // a selection that fails clears the one before
        }
        if (service.stopping() && !(request instanceof Abort)) {
            refuseForGood();
            return;
        }
        if (TlsOption.refuses(this, request)) {
            return;
        }
        switch (request) {
            case StartTls() -> TlsOption.answer(this);
            case Refused(int error, String text) -> refuse(error, text);
            case Hangup(String reason) -> hangUp(reason);
            case Abort() -> {
                ending = true;
                closeAfter(replies().acknowledge(option));
            }
            case ListExports() -> ListOption.answer(this);
            case ExportName(String name) -> ExportOption.answer(this, name, zeroes);
            case Information asked -> ExportOption.answer(this, asked);
            case StructuredReplies() -> agreeOnStructuredReplies();
            case ExtendedHeaders() -> {
                negotiation.agreeOn(ReplyForm.EXTENDED);
                reply(replies().acknowledge(option));
            }
            case MetaContexts asked -> MetaContextOption.answer(this, asked);
        }
    }

    private void agreeOnStructuredReplies() {
        if (negotiation.form() == ReplyForm.EXTENDED) {
            refuse(
                    Handshake.ERROR_EXTENDED_HEADERS_REQUIRED,
                    "extended headers are agreed on already and take precedence");
        } else {
            negotiation.agreeOn(ReplyForm.STRUCTURED);
            reply(replies().acknowledge(option));
        }
    }

    // ---- answers

    @Override
    public int option() {
        return option;
    }

    @Override
    public NbdService service() {
        return service;
    }

    @Override
    public Negotiation negotiation() {
        return negotiation;
    }

    @Override
    public NbdClient client() {
        return Peer.of(context().channel());
    }

    @Override
    public boolean encrypted() {
        return context().pipeline().get(SslHandler.class) != null;
    }

    @Override
    public OptionReplies replies() {
        return new OptionReplies(context().alloc());
    }

    @Override
    public void allowMore(long options) {
        if (!moreAllowed) {
            moreAllowed = true;
            decoder.allowMore(options);
        }
    }

    @Override
    public void reply(ByteBuf reply) {
        context().writeAndFlush(reply, context().voidPromise());
    }

    @Override
    public void refuse(int error, String text) {
        reply(replies().error(option, error, text));
    }

    @Override
    public void refuse(@Nullable Throwable failure) {
        ExportOpenException why = explained(failure);
        if (state == State.DONE) {
            return;
        }
        int error =
                switch (why.kind()) {
                    // "The requested export is not available": the only fitting word for the rest.
                    case UNKNOWN, OTHER -> Handshake.ERROR_UNKNOWN;
                    case POLICY -> Handshake.ERROR_POLICY;
                    case TLS_REQUIRED -> TlsOption.error(this);
                    case SHUTDOWN -> Handshake.ERROR_SHUTDOWN;
                };
        refuse(error, why.text());
    }

    @Override
    public void startTls(TlsOffer offer, ByteBuf reply) {
        reply(reply);
        negotiation.forget();
        moreAllowed = false;
        securing = new SslHandler(offer.newEngine(), false, offer.executor());
        state = State.SECURING;
    }

    /** Puts TLS before this handler; bytes already received are its own, never options. */
    private void wrap() {
        SslHandler tls = Objects.requireNonNull(securing);
        securing = null;
        tls.setHandshakeTimeoutMillis(0); // the clock of the whole handshake goes on
        ByteBuf rest = input;
        input = null;
        state = State.OPEN;
        ChannelPipeline pipeline = context().pipeline();
        pipeline.addFirst("tls", tls);
        if (rest != null && rest.isReadable()) {
            pipeline.fireChannelRead(rest);
            pipeline.fireChannelReadComplete();
        } else if (rest != null) {
            rest.release();
        }
    }

    private void secured(SslHandshakeCompletionEvent event) {
        if (event.isSuccess()) {
            service.metrics().tlsStarted();
            LOG.debug("TLS with {}", client());
        } else {
            service.metrics().tlsFailed();
            LOG.info(
                    "{}: no TLS with the client: {}",
                    client().address(),
                    Objects.requireNonNullElse(event.cause().getMessage(), "it has left"));
        }
    }

    @Override
    public boolean ended() {
        return state == State.DONE;
    }

    @Override
    public void hangUp(@Nullable Throwable failure) {
        hangUp("export not opened: " + explained(failure).text());
    }

    @Override
    public void hangUp(String reason) {
        state = State.DONE;
        LOG.info("{}: dropped in the handshake: {}", context().channel(), reason);
        negotiation.forget();
        context().close();
    }

    @Override
    public void enterTransmission(Session session, ByteBuf reply) {
        if (service.stopping()) {
            reply.release();
            session.close();
            refuseForGood();
            return;
        }
        ChannelHandlerContext ctx = context();
        state = State.DONE;
        ending = true;
        cancelDeadline();
        reply(reply);
        ByteBuf rest = input;
        input = null;
        ctx.pipeline().replace(this, "transmission", new TransmissionHandler(service, session));
        if (rest != null) {
            ctx.fireChannelRead(rest);
        }
        ctx.fireChannelReadComplete();
        ctx.channel().config().setAutoRead(true);
    }

    private ExportOpenException explained(@Nullable Throwable failure) {
        Throwable cause = failure == null ? null : Causes.of(failure);
        if (cause instanceof ExportOpenException known) {
            return known;
        }
        LOG.error("{}: the export catalogue failed", context().channel(), cause);
        return new ExportOpenException(
                ExportOpenException.Kind.OTHER, "internal error; see the server's log");
    }

    private void refuseForGood() {
        String text = "the server is stopping";
        if (option == Handshake.OPTION_EXPORT_NAME) {
            hangUp(text);
        } else {
            closeAfter(replies().error(option, Handshake.ERROR_SHUTDOWN, text));
        }
    }

    private void closeAfter(ByteBuf reply) {
        state = State.DONE;
        negotiation.forget();
        context().writeAndFlush(reply).addListener(ChannelFutureListener.CLOSE);
    }

    // ---- questions to the catalogue

    @Override
    public <T> void await(
            Supplier<CompletionStage<T>> question,
            BiConsumer<@Nullable T, @Nullable Throwable> then) {
        state = State.WAITING;
        CompletionStage<T> stage;
        try {
            stage = question.get();
        } catch (RuntimeException e) {
            stage = CompletableFuture.failedFuture(e);
        }
        stage.whenComplete((answer, failure) -> {
            if (context().executor().inEventLoop()) {
                answered(then, answer, failure);
            } else {
                hop(then, answer, failure);
            }
        });
        if (state == State.WAITING) {
            context().channel().config().setAutoRead(false);
        }
    }

    private <T> void hop(
            BiConsumer<@Nullable T, @Nullable Throwable> then,
            @Nullable T answer,
            @Nullable Throwable failure) {
        try {
            context().executor().execute(() -> answered(then, answer, failure));
        } catch (RejectedExecutionException e) {
            LOG.debug("{}: the server stopped while an export was opened", context().channel());
            switch (answer) {
                case OpenedExport export -> export.close();
                case StatusContext opened -> opened.close();
                case null, default -> {}
            }
        }
    }

    private <T> void answered(
            BiConsumer<@Nullable T, @Nullable Throwable> then,
            @Nullable T answer,
            @Nullable Throwable failure) {
        if (state == State.WAITING) {
            state = State.OPEN;
        }
        then.accept(answer, failure);
        if (state == State.DONE) {
            return;
        }
        if (late) {
            deadlineReached();
            return;
        }
        if (state == State.OPEN) {
            context().channel().config().setAutoRead(true);
            decode();
        }
    }

    // ---- small things

    private ChannelHandlerContext context() {
        return Objects.requireNonNull(context);
    }

    private void dropInput() {
        ByteBuf in = input;
        input = null;
        if (in != null) {
            in.release();
        }
    }

    private void cancelDeadline() {
        Future<?> scheduled = deadline;
        if (scheduled != null) {
            scheduled.cancel(false);
        }
    }
}
