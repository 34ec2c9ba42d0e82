package dev.tidemark.nbd;

import dev.tidemark.nbd.OptionRequest.Abort;
import dev.tidemark.nbd.OptionRequest.ExportName;
import dev.tidemark.nbd.OptionRequest.Hangup;
import dev.tidemark.nbd.OptionRequest.Information;
import dev.tidemark.nbd.OptionRequest.ListExports;
import dev.tidemark.nbd.OptionRequest.Refused;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
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
 * <p>Options are answered one after the other. While the catalogue works on one, nothing is parsed
 * and the socket is not read. What a client sent ahead of the answer goes on to the {@link
 * TransmissionHandler}. A session that may yet be wrapped in TLS keeps no state here but {@link
 * #kept} and the option count.
 */
// A void promise reports failures to exceptionCaught; a failed close has nobody to tell.
@SuppressWarnings("FutureReturnValueIgnored")
final class HandshakeHandler extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(HandshakeHandler.class);

    private enum State {
        CLIENT_FLAGS,
        OPTION,
        PAYLOAD,
        SKIP,
        /** The catalogue is at work. */
        WAITING,
        DONE
    }

    private final NbdService service;
    private long optionsLeft;
    private State state = State.CLIENT_FLAGS;
    private boolean fixedNewstyle;
    private boolean zeroes = true;
    private boolean listed;
    private boolean late;
    private boolean ending;

    private int option;
    private int remainingBytes;
    private @Nullable OptionRequest judged;

    /** What INFO opened, for a GO with the same name (proto.md NBD_OPT_INFO: both must agree). */
    private @Nullable OpenedExport kept;

    private String keptName = "";

    private @Nullable ByteBuf input;
    private @Nullable Future<?> deadline;
    private boolean decoding;

    HandshakeHandler(NbdService service) {
        this.service = service;
        this.optionsLeft = service.limits().maximumOptions();
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        service.metrics().connectionOpened();
        if (service.stopping()) {
            hangUp(ctx, "the server is stopping");
            return;
        }
        deadline =
                ctx.executor()
                        .schedule(
                                () -> deadlineReached(ctx),
                                service.limits().handshakeTimeoutMs(),
                                TimeUnit.MILLISECONDS);
        ctx.writeAndFlush(replies(ctx).greeting(), ctx.voidPromise());
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
        decode(ctx);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent) {
            ctx.close();
        } else if (event == StopEvent.INSTANCE) {
            ctx.executor()
                    .schedule(
                            () -> {
                                if (state != State.WAITING && state != State.DONE) {
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
        dropKept();
        dropInput();
        cancelDeadline();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        dropInput();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (cause instanceof IOException) {
            LOG.debug(
                    "{}: connection lost in the handshake: {}", ctx.channel(), cause.getMessage());
        } else {
            LOG.warn("{}: handshake failed", ctx.channel(), cause);
        }
        ctx.close();
    }

    private void deadlineReached(ChannelHandlerContext ctx) {
        if (state == State.WAITING) {
            late = true; // the time the catalogue takes is not the client's
        } else if (state != State.DONE) {
            hangUp(
                    ctx,
                    "no export was chosen within %d ms"
                            .formatted(service.limits().handshakeTimeoutMs()));
        }
    }

    private void decode(ChannelHandlerContext ctx) {
        if (decoding) {
            return;
        }
        decoding = true;
        try {
            ByteBuf in = input;
            while (in != null && step(ctx, in)) {
                in = input;
            }
        } finally {
            decoding = false;
        }
        ByteBuf rest = input;
        if (rest != null && !rest.isReadable()) {
            dropInput();
        }
    }

    /** Returns false when it needs more bytes, or the catalogue's answer, or is done. */
    private boolean step(ChannelHandlerContext ctx, ByteBuf in) {
        return switch (state) {
            case CLIENT_FLAGS -> readClientFlags(ctx, in);
            case OPTION -> readOptionHeader(ctx, in);
            case PAYLOAD -> readPayload(ctx, in);
            case SKIP -> skipPayload(ctx, in);
            case WAITING, DONE -> false;
        };
    }

    private boolean readClientFlags(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < 4) {
            return false;
        }
        int flags = in.readInt();
        // MUST drop what we do not know (proto.md "Client flags").
        if ((flags & ~Handshake.KNOWN_FLAGS) != 0) {
            return hangUp(ctx, "unknown client flags 0x" + Integer.toHexString(flags));
        }
        fixedNewstyle = (flags & Handshake.FLAG_FIXED_NEWSTYLE) != 0;
        zeroes = (flags & Handshake.FLAG_NO_ZEROES) == 0;
        state = State.OPTION;
        return true;
    }

    private boolean readOptionHeader(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < Handshake.OPTION_HEADER_BYTES) {
            return false;
        }
        long magic = in.readLong();
        if (magic != Handshake.OPTION_MAGIC) {
            return hangUp(ctx, "wrong option magic 0x" + Long.toHexString(magic));
        }
        if (optionsLeft-- <= 0) {
            return hangUp(ctx, "more than " + service.limits().maximumOptions() + " options");
        }
        option = in.readInt();
        long lengthBytes = in.readUnsignedInt();
        if (!fixedNewstyle && option != Handshake.OPTION_EXPORT_NAME) {
            return hangUp(ctx, "option " + option + " without fixed newstyle");
        }
        OptionRequest verdict = OptionParser.judge(option, lengthBytes);
        if (verdict instanceof Hangup hangup) {
            return hangUp(ctx, hangup.reason());
        }
        judged = verdict;
        remainingBytes = (int) lengthBytes;
        state = verdict == null ? State.PAYLOAD : State.SKIP;
        return true;
    }

    private boolean readPayload(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < remainingBytes) {
            return false;
        }
        ByteBuf payload = in.readSlice(remainingBytes);
        return act(ctx, OptionParser.parse(option, payload));
    }

    private boolean skipPayload(ChannelHandlerContext ctx, ByteBuf in) {
        int skippedBytes = Math.min(remainingBytes, in.readableBytes());
        in.skipBytes(skippedBytes);
        remainingBytes -= skippedBytes;
        OptionRequest verdict = judged;
        return remainingBytes == 0 && verdict != null && act(ctx, verdict);
    }

    private boolean act(ChannelHandlerContext ctx, OptionRequest request) {
        state = State.OPTION;
        if (service.stopping() && !(request instanceof Abort)) {
            return refuseForGood(ctx, Handshake.ERROR_SHUTDOWN, "the server is stopping");
        }
        switch (request) {
            case Refused(int error, String text) ->
                    ctx.writeAndFlush(replies(ctx).error(option, error, text), ctx.voidPromise());
            case Hangup(String reason) -> hangUp(ctx, reason);
            case Abort() -> {
                ending = true;
                closeAfter(ctx, replies(ctx).acknowledge(option));
            }
            case ListExports() ->
                    await(
                            ctx,
                            () -> service.catalog().list(client(ctx)),
                            (list, e) -> listed(ctx, list, e));
            case ExportName(String name) ->
                    open(ctx, name, false, (export, e) -> namedOpened(ctx, export, e));
            case Information asked ->
                    open(
                            ctx,
                            asked.name(),
                            !asked.go(),
                            (export, e) -> opened(ctx, asked, export, e));
        }
        return state == State.OPTION;
    }

    private void listed(
            ChannelHandlerContext ctx,
            @Nullable List<ExportDescription> exports,
            @Nullable Throwable failure) {
        if (state == State.DONE) {
            return;
        }
        if (exports == null) {
            refuse(ctx, failure);
            return;
        }
        if (!listed) {
            listed = true;
            optionsLeft += (long) NbdLimits.OPTIONS_PER_EXPORT * exports.size();
        }
        ctx.writeAndFlush(replies(ctx).list(option, exports), ctx.voidPromise());
    }

    private void namedOpened(
            ChannelHandlerContext ctx, @Nullable OpenedExport export, @Nullable Throwable failure) {
        if (export == null) {
            ExportOpenException why = explained(ctx, failure);
            hangUp(ctx, "export not opened: " + why.text());
            return;
        }
        enterTransmission(ctx, export, replies(ctx).exportName(export.device(), zeroes));
    }

    private void opened(
            ChannelHandlerContext ctx,
            Information asked,
            @Nullable OpenedExport export,
            @Nullable Throwable failure) {
        if (export == null) {
            refuse(ctx, failure);
            return;
        }
        ByteBuf reply = replies(ctx).information(option, asked, export);
        if (asked.go()) {
            enterTransmission(ctx, export, reply);
        } else {
            kept = export;
            keptName = asked.name();
            ctx.writeAndFlush(reply, ctx.voidPromise());
        }
    }

    private void open(
            ChannelHandlerContext ctx,
            String name,
            boolean infoOnly,
            BiConsumer<@Nullable OpenedExport, @Nullable Throwable> then) {
        OpenedExport earlier = kept;
        if (earlier != null && keptName.equals(name)) {
            kept = null;
            then.accept(earlier, null);
            return;
        }
        dropKept();
        await(
                ctx,
                () -> service.catalog().open(client(ctx), name, infoOnly),
                (export, failure) -> {
                    if (export != null && state == State.DONE) {
                        export.close(); // the client has gone meanwhile
                    } else {
                        then.accept(export, failure);
                    }
                });
    }

    private static NbdClient client(ChannelHandlerContext ctx) {
        return new NbdClient(String.valueOf(ctx.channel().remoteAddress()), false, null);
    }

    /** Runs {@code then} on the event loop once the catalogue has answered, and parses on. */
    private <T> void await(
            ChannelHandlerContext ctx,
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
            if (ctx.executor().inEventLoop()) {
                answered(ctx, then, answer, failure);
            } else {
                hop(ctx, then, answer, failure);
            }
        });
        if (state == State.WAITING) {
            ctx.channel().config().setAutoRead(false);
        }
    }

    private <T> void hop(
            ChannelHandlerContext ctx,
            BiConsumer<@Nullable T, @Nullable Throwable> then,
            @Nullable T answer,
            @Nullable Throwable failure) {
        try {
            ctx.executor().execute(() -> answered(ctx, then, answer, failure));
        } catch (RejectedExecutionException e) {
            LOG.debug("{}: the server stopped while an export was opened", ctx.channel());
            if (answer instanceof OpenedExport export) {
                export.close();
            }
        }
    }

    private <T> void answered(
            ChannelHandlerContext ctx,
            BiConsumer<@Nullable T, @Nullable Throwable> then,
            @Nullable T answer,
            @Nullable Throwable failure) {
        if (state == State.WAITING) {
            state = State.OPTION;
        }
        then.accept(answer, failure);
        if (state == State.DONE) {
            return;
        }
        if (late) {
            deadlineReached(ctx);
            return;
        }
        ctx.channel().config().setAutoRead(true);
        decode(ctx);
    }

    private void enterTransmission(ChannelHandlerContext ctx, OpenedExport export, ByteBuf reply) {
        if (service.stopping()) {
            reply.release();
            export.close();
            refuseForGood(ctx, Handshake.ERROR_SHUTDOWN, "the server is stopping");
            return;
        }
        state = State.DONE;
        ending = true;
        cancelDeadline();
        ctx.writeAndFlush(reply, ctx.voidPromise());
        ByteBuf rest = input;
        input = null;
        ctx.pipeline().replace(this, "transmission", new TransmissionHandler(service, export));
        if (rest != null) {
            ctx.fireChannelRead(rest);
        }
        ctx.fireChannelReadComplete();
        ctx.channel().config().setAutoRead(true);
    }

    private void refuse(ChannelHandlerContext ctx, @Nullable Throwable failure) {
        if (state == State.DONE) {
            return;
        }
        ExportOpenException why = explained(ctx, failure);
        int error =
                switch (why.kind()) {
                    // "The requested export is not available": the only fitting word for the rest.
                    case UNKNOWN, OTHER -> Handshake.ERROR_UNKNOWN;
                    case POLICY -> Handshake.ERROR_POLICY;
                    case SHUTDOWN -> Handshake.ERROR_SHUTDOWN;
                };
        ctx.writeAndFlush(replies(ctx).error(option, error, why.text()), ctx.voidPromise());
    }

    private static ExportOpenException explained(
            ChannelHandlerContext ctx, @Nullable Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof ExportOpenException known) {
            return known;
        }
        LOG.error("{}: the export catalogue failed", ctx.channel(), cause);
        return new ExportOpenException(
                ExportOpenException.Kind.OTHER, "internal error; see the server's log");
    }

    private boolean refuseForGood(ChannelHandlerContext ctx, int error, String text) {
        if (option == Handshake.OPTION_EXPORT_NAME) {
            return hangUp(ctx, text);
        }
        closeAfter(ctx, replies(ctx).error(option, error, text));
        return false;
    }

    private void closeAfter(ChannelHandlerContext ctx, ByteBuf reply) {
        state = State.DONE;
        dropKept();
        ctx.writeAndFlush(reply).addListener(ChannelFutureListener.CLOSE);
    }

    private boolean hangUp(ChannelHandlerContext ctx, String reason) {
        state = State.DONE;
        LOG.info("{}: dropped in the handshake: {}", ctx.channel(), reason);
        dropKept();
        ctx.close();
        return false;
    }

    private static OptionReplies replies(ChannelHandlerContext ctx) {
        return new OptionReplies(ctx.alloc());
    }

    private void dropKept() {
        OpenedExport export = kept;
        kept = null;
        if (export != null) {
            export.close();
        }
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
