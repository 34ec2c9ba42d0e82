package dev.tidemark.nbd;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.RangeStatus;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection in the transmission phase.
 *
 * <p>Work is done in <em>turns</em> on the event loop: a burst of socket reads, or a batch of
 * completions from other threads. All requests of a turn go to the device, then it gets one {@link
 * BlockDevice#submit}; all replies of a turn are gathered and flushed once. A request that
 * completes within the turn is answered in it without a hop; any other goes through a {@link
 * CompletionQueue} and one scheduled task.
 *
 * <p>Past a limit the socket is not read and what was read already waits in {@link #backlog}.
 *
 * <p>Everything but {@link #completed} runs on the event loop.
 */
// A void promise reports failures to exceptionCaught; a failed close has nobody to tell.
@SuppressWarnings("FutureReturnValueIgnored")
final class TransmissionHandler extends ChannelInboundHandlerAdapter
        implements RequestDecoder.Sink {
    private static final Logger LOG = LoggerFactory.getLogger(TransmissionHandler.class);

    private final NbdService service;
    private final NbdLimits limits;
    private final NbdMetrics metrics;
    private final boolean timed;
    private final Session session;
    private final BlockDevice device;
    private final String exportName;
    private final RequestRules rules;
    private final SparseHunch hunch = new SparseHunch();

    private final CompletionQueue completions = new CompletionQueue();
    private final ArrayDeque<PendingRequest> free = new ArrayDeque<>();

    /** Received buffers whose decoding waits for room; not empty means that reading is paused. */
    private final ArrayDeque<ByteBuf> backlog = new ArrayDeque<>();

    private final Runnable completionTurn = this::runCompletionTurn;

    private @Nullable Connected connected;
    private boolean inTurn;
    private boolean handedOver;
    private boolean resumeScheduled;

    /** The connection ends once everything asked for is answered. */
    private boolean disconnecting;

    /** The client has closed its side. */
    private boolean inputEnded;

    /** The server stops: nothing more is accepted. */
    private boolean leaving;

    private boolean closing;

    private boolean closed;
    private int inFlightRequests;
    private long inFlightBytes;

    /** What the request would add to {@link #inFlightBytes} that was last not admitted. */
    private long waitingBytes;

    /** What exists only once the handler sits in a pipeline. */
    private record Connected(
            ChannelHandlerContext ctx,
            EventLoop loop,
            RequestDecoder decoder,
            ReplyWriter replies) {

        /** The writer of a form that has chunks. */
        ChunkWriter chunks() {
            return (ChunkWriter) replies;
        }
    }

    TransmissionHandler(NbdService service, Session session) {
        this.service = service;
        this.limits = service.limits();
        this.metrics = service.metrics();
        this.timed = !metrics.equals(NbdMetrics.NONE);
        this.session = session;
        this.device = session.export().device();
        this.exportName = session.export().canonicalName();
        this.rules =
                new RequestRules(
                        session.form(), device.features().readOnly(), session.contexts().size());
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        boolean extended = session.form() == ReplyForm.EXTENDED;
        ReplyWriter replies =
                switch (session.form()) {
                    case SIMPLE -> new SimpleReplyWriter(ctx);
                    case STRUCTURED -> new StructuredReplyWriter(ctx);
                    case EXTENDED -> new ExtendedReplyWriter(ctx);
                };
        connected =
                new Connected(
                        ctx,
                        ctx.channel().eventLoop(),
                        new RequestDecoder(ctx.alloc(), extended, this),
                        replies);
        metrics.exportOpened(exportName);
        LOG.debug("{}: serves {}", ctx.channel(), exportName);
    }

    private Connected connected() {
        return Objects.requireNonNull(connected);
    }

    // ---- turns

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf received = (ByteBuf) message;
        if (closed) {
            received.release();
            return;
        }
        inTurn = true;
        if (service.stopping()) {
            leave(); // whatever came after the stop is not accepted, even before the event is here
        }
        if (!backlog.isEmpty()) {
            backlog.add(received);
        } else if (connected().decoder().decode(received)) {
            received.release();
        } else {
            backlog.add(received);
            metrics.readingPaused();
            ctx.channel().config().setAutoRead(false);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        endTurn();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (!inTurn && !backlog.isEmpty() && ctx.channel().isWritable()) {
            inTurn = true;
            resume();
            endTurn();
        }
    }

    private void runCompletionTurn() {
        resumeScheduled = false;
        inTurn = true;
        answerAll();
        resume();
        endTurn();
    }

    /** Decodes what waits, and reads the socket again once nothing does. */
    private void resume() {
        ByteBuf waiting = backlog.peek();
        if (waiting == null || closed) {
            return;
        }
        RequestDecoder decoder = connected().decoder();
        while (waiting != null) {
            if (!decoder.decode(waiting)) {
                return;
            }
            backlog.remove();
            waiting.release();
            waiting = backlog.peek();
        }
        connected().ctx().channel().config().setAutoRead(true);
    }

    private void endTurn() {
        submitHandedOver();
        if (!closed) {
            connected().replies().flush();
        }
        inTurn = false;
        if (closed) {
            releaseExportWhenIdle();
        } else if (!backlog.isEmpty()) {
            scheduleResume();
        } else if (disconnecting) {
            closeWhenIdle();
        }
    }

    private void scheduleResume() {
        if (!resumeScheduled && connected().ctx().channel().isWritable() && fits(waitingBytes)) {
            resumeScheduled = true;
            connected().loop().execute(completionTurn);
        }
    }

    private void submitHandedOver() {
        if (handedOver) {
            handedOver = false;
            submit();
        }
    }

    private void submit() {
        try {
            device.submit();
        } catch (RuntimeException e) {
            LOG.error("{}: the device of {} failed to submit", connected().ctx(), exportName, e);
            connected().ctx().close();
        }
    }

    /** A single request is always let through, whatever its size. */
    private boolean fits(long chargedBytes) {
        return inFlightRequests == 0
                || (inFlightRequests < limits.inFlightRequests()
                        && inFlightBytes + chargedBytes <= limits.inFlightBytes());
    }

    // ---- requests

    @Override
    public NbdError check(RequestHeader request) {
        return rules.check(request, device.geometry());
    }

    @Override
    public boolean admit(RequestHeader request, NbdError verdict) {
        if (request.command == NbdCommand.DISCONNECT) {
            return true;
        }
        boolean refused = verdict != NbdError.OK;
        long chargedBytes = refused ? 0 : chargedBytes(request);
        if (!connected().ctx().channel().isWritable() || !(refused || fits(chargedBytes))) {
            waitingBytes = chargedBytes;
            return false;
        }
        if (refused) {
            return true;
        }
        inFlightRequests++;
        inFlightBytes += chargedBytes;
        return true;
    }

    private long chargedBytes(RequestHeader request) {
        NbdCommand command = request.command;
        if (command == NbdCommand.READ || command == NbdCommand.WRITE) {
            return request.lengthBytes;
        }
        return command == NbdCommand.BLOCK_STATUS
                ? StatusQuery.chargedBytes(request.flags, session.contexts().size())
                : 0;
    }

    @Override
    public void request(RequestHeader header, @Nullable ByteBuf payload) {
        NbdCommand command = Objects.requireNonNull(header.command);
        if (command == NbdCommand.DISCONNECT) {
            disconnecting = true;
            connected().decoder().end();
            return;
        }
        PendingRequest request = newRequest();
        request.begin(header, command);
        request.payload = payload;
        request.chargedBytes = chargedBytes(header);
        request.startNanos = timed ? System.nanoTime() : 0;
        if (command == NbdCommand.BLOCK_STATUS) {
            queryStatus(header, request, payload);
            return;
        }
        if (header.lengthBytes == 0 && command != NbdCommand.FLUSH) {
            request.succeeded(); // nothing to do; must not drop the connection (proto.md)
            return;
        }
        handedOver = true;
        try {
            handOver(header, request);
        } catch (RuntimeException e) {
            deviceThrew(request, e);
        }
    }

    private PendingRequest newRequest() {
        PendingRequest request = free.poll();
        return request == null ? new PendingRequest(this) : request;
    }

    private void deviceThrew(PendingRequest request, RuntimeException cause) {
        LOG.error("the device of {} threw on {}", exportName, request.command, cause);
        if (!request.completed) {
            request.failed(new BlockDeviceException(ErrorCode.IO, "device failed", cause));
        }
    }

    private void handOver(RequestHeader header, PendingRequest request) {
        long offsetBytes = header.offsetBytes;
        boolean fua = header.has(CommandFlags.FUA);
        switch (request.command) {
            case READ -> {
                int lengthBytes = (int) header.lengthBytes;
                if (mayBeSparse(header)) {
                    request.asking = true;
                    device.allocation(
                            offsetBytes, lengthBytes, SparseRead.MAXIMUM_EXTENTS, request);
                } else {
                    device.read(offsetBytes, lengthBytes, request);
                }
            }
            case WRITE ->
                    device.write(
                            offsetBytes, Objects.requireNonNull(request.payload), fua, request);
            case FLUSH -> device.flush(request);
            case TRIM -> device.zero(offsetBytes, header.lengthBytes, true, fua, request);
            case WRITE_ZEROES -> {
                boolean deallocate = !header.has(CommandFlags.NO_HOLE);
                device.zero(offsetBytes, header.lengthBytes, deallocate, fua, request);
            }
            case CACHE -> device.prefetch(offsetBytes, header.lengthBytes, request);
            case DISCONNECT, BLOCK_STATUS ->
                    throw new AssertionError(request.command + " does not reach a device");
        }
    }

    private boolean mayBeSparse(RequestHeader header) {
        return header.lengthBytes >= SparseRead.MINIMUM_BYTES
                && session.form().chunked()
                && !header.has(CommandFlags.DF)
                && hunch.worthAsking();
    }

    // ---- requests in parts

    private void queryStatus(
            RequestHeader header, PendingRequest request, @Nullable ByteBuf payload) {
        List<Session.Context> asked = session.contexts();
        if (payload != null) {
            header.lengthBytes = StatusPayload.readLength(payload);
            request.lengthBytes = header.lengthBytes;
            asked = StatusPayload.readContexts(payload, asked);
        }
        Geometry geometry = device.geometry();
        if (asked == null
                || header.lengthBytes == 0
                || rules.checkRange(header, request.command, geometry) != NbdError.OK) {
            request.failed(
                    new BlockDeviceException(
                            ErrorCode.INVALID,
                            RequestRules.explain(header, NbdError.EINVAL, geometry)));
            return;
        }
        StatusQuery query = new StatusQuery(request, request.chargedBytes);
        int maximumCount = StatusQuery.maximumExtents(header.flags, geometry);
        recycle(request);
        query.expect(asked.size());
        handedOver = true;
        for (Session.Context context : asked) {
            PendingRequest part = newRequest();
            part.beginPart(query, query.offsetBytes, query.lengthBytes);
            part.contextId = context.id();
            try {
                context.source().status(part.offsetBytes, part.lengthBytes, maximumCount, part);
            } catch (RuntimeException e) {
                deviceThrew(part, e);
            }
        }
    }

    /** The device has told, or could not tell, where a read's range has zeros. */
    private void allocationKnown(PendingRequest request) {
        RangeStatus status = request.status;
        boolean sparse = status != null && SparseRead.worthwhile(status);
        hunch.answered(sparse);
        request.asking = false;
        handedOver = true;
        if (status == null || !sparse) {
            request.beginAgain();
            try {
                device.read(request.offsetBytes, (int) request.lengthBytes, request);
            } catch (RuntimeException e) {
                deviceThrew(request, e);
            }
            return;
        }
        SparseRead read = new SparseRead(request);
        recycle(request);
        if (!read.start(status, connected().chunks(), this::readPart)) {
            settled(read);
        }
    }

    private void readPart(SparseRead whole, long offsetBytes, int lengthBytes) {
        PendingRequest part = newRequest();
        part.beginPart(whole, offsetBytes, lengthBytes);
        try {
            device.read(offsetBytes, lengthBytes, part);
        } catch (RuntimeException e) {
            deviceThrew(part, e);
        }
    }

    private void answerPart(PendingRequest part, PartedRequest whole) {
        if (!closed) {
            whole.answer(part, connected().chunks());
        }
        recycle(part);
        if (whole.settle()) {
            settled(whole);
        }
    }

    private void settled(PartedRequest whole) {
        inFlightRequests--;
        inFlightBytes -= whole.chargedBytes;
        if (timed && !closed) {
            long nanos = System.nanoTime() - whole.startNanos;
            metrics.requestAnswered(
                    exportName, whole.command, whole.lengthBytes, whole.error(), nanos);
        }
    }

    private void recycle(PendingRequest request) {
        request.clear();
        free.push(request);
    }

    @Override
    public void refused(RequestHeader request, NbdError verdict) {
        NbdCommand command = request.command;
        if (command != null && timed) {
            metrics.requestAnswered(exportName, command, request.lengthBytes, verdict, 0);
        }
        connected()
                .replies()
                .failed(
                        request.cookie,
                        request.offsetBytes,
                        verdict,
                        RequestRules.explain(request, verdict, device.geometry()));
    }

    @Override
    public void malformed(String reason) {
        LOG.info("{}: dropped: {}", connected().ctx().channel(), reason);
        connected().ctx().close();
    }

    // ---- completions

    /** The device is done with a request. Any thread. */
    void completed(PendingRequest request) {
        EventLoop loop = connected().loop();
        if (loop.inEventLoop() && inTurn) {
            answer(request);
        } else if (completions.put(request)) {
            try {
                loop.execute(completionTurn);
            } catch (RejectedExecutionException e) {
                LOG.debug("a request on {} outlived the server", exportName);
                settleWithoutLoop();
            }
        }
    }

    /**
     * The event loop is gone, and with it the owner of the state: completing threads take turns.
     */
    private synchronized void settleWithoutLoop() {
        closed = true;
        answerAll();
        releaseExportWhenIdle();
    }

    private void answerAll() {
        PendingRequest request = completions.takeAll();
        while (request != null) {
            PendingRequest following = request.next;
            answer(request);
            request = following;
        }
    }

    private void answer(PendingRequest request) {
        PartedRequest whole = request.whole;
        if (whole != null) {
            answerPart(request, whole);
            return;
        }
        if (request.asking && !closed) {
            allocationKnown(request);
            return;
        }
        inFlightRequests--;
        inFlightBytes -= request.chargedBytes;
        if (!closed) {
            reply(request);
        }
        recycle(request);
    }

    private void reply(PendingRequest request) {
        ReplyWriter replies = connected().replies();
        BlockDeviceException failure = request.failure;
        NbdError error = NbdError.OK;
        if (failure != null) {
            error = NbdError.of(failure.code(), request.command);
            replies.failed(request.cookie, request.offsetBytes, error, PartedRequest.text(failure));
        } else if (request.command == NbdCommand.READ) {
            ByteBuf data = request.data == null ? Unpooled.EMPTY_BUFFER : request.data;
            request.data = null;
            assert data.readableBytes() == request.lengthBytes : "device read too little";
            replies.data(request.cookie, request.offsetBytes, data);
        } else {
            replies.succeeded(request.cookie, request.offsetBytes);
        }
        if (timed) {
            long nanos = System.nanoTime() - request.startNanos;
            metrics.requestAnswered(exportName, request.command, request.lengthBytes, error, nanos);
        }
    }

    // ---- ends

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent
                || event instanceof SslCloseCompletionEvent) {
            inputEnded();
        } else if (event == StopEvent.INSTANCE) {
            leave();
        }
    }

    /** The client has closed its side: what it asked for in full is still answered. */
    private void inputEnded() {
        inputEnded = true;
        disconnecting = true;
        if (leaving && closing) {
            connected().ctx().close();
        } else if (!inTurn) {
            closeWhenIdle();
        }
    }

    /**
     * The server stops: what was handed to the device is answered, and what was not is dropped
     * without an answer, so that a client that connects again sends it again. An error would reach
     * whoever uses the client's disk.
     */
    private void leave() {
        if (leaving || closed || closing) {
            return;
        }
        leaving = true;
        disconnecting = true;
        dropUndecoded();
        connected().ctx().channel().config().setAutoRead(true);
        if (!inTurn) {
            closeWhenIdle();
        }
    }

    /** From here on what is received is read past. */
    private void dropUndecoded() {
        RequestDecoder decoder = connected().decoder();
        if (decoder.collecting()) {
            inFlightRequests--;
        }
        decoder.end();
        backlog.forEach(ByteBuf::release);
        backlog.clear();
    }

    /**
     * Closes this side only, and the socket once the client has closed its own. A socket that is
     * closed with unread bytes in it is reset, and the last replies are lost with it.
     */
    private void hangUp() {
        ChannelHandlerContext ctx = connected().ctx();
        SslHandler tls = ctx.pipeline().get(SslHandler.class);
        if (tls != null) {
            tls.closeOutbound();
        }
        if (ctx.channel() instanceof DuplexChannel duplex) {
            duplex.shutdownOutput();
            ctx.executor().schedule(() -> ctx.close(), StopEvent.GRACE_MS, TimeUnit.MILLISECONDS);
        } else {
            ctx.close();
        }
    }

    private void closeWhenIdle() {
        if (closed || closing || !backlog.isEmpty()) {
            return;
        }
        boolean neverComplete = inputEnded && connected().decoder().midRequest();
        if (neverComplete) {
            closing = true;
            connected().ctx().close();
        } else if (inFlightRequests == 0) {
            closing = true;
            connected()
                    .ctx()
                    .writeAndFlush(Unpooled.EMPTY_BUFFER)
                    .addListener(leaving ? done -> hangUp() : ChannelFutureListener.CLOSE);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        closed = true;
        dropUndecoded();
        connected().replies().discard();
        metrics.connectionClosed();
        submitHandedOver(); // the turn may have been cut short
        inTurn = false;
        releaseExportWhenIdle();
    }

    private void releaseExportWhenIdle() {
        if (inFlightRequests == 0) {
            inFlightRequests = -1; // once only
            metrics.exportClosed(exportName);
            session.close();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (Peer.isToBlame(cause)) {
            LOG.debug("{}: connection lost: {}", ctx.channel(), cause.getMessage());
        } else {
            LOG.warn("{}: connection failed", ctx.channel(), cause);
        }
        ctx.close();
    }
}
