package dev.tidemark.iscsi.session;

import dev.tidemark.iscsi.login.LoginPhase;
import dev.tidemark.iscsi.login.LoginResult;
import dev.tidemark.iscsi.login.LoginStatus;
import dev.tidemark.iscsi.login.SessionParameters;
import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.pdu.Pdu;
import dev.tidemark.iscsi.pdu.PduDecoder;
import dev.tidemark.iscsi.pdu.PduWriter;
import dev.tidemark.iscsi.pdu.RejectReason;
import dev.tidemark.iscsi.target.Initiator;
import dev.tidemark.iscsi.target.TargetAccess;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection: first its login, then its session.
 *
 * <p>While a login waits for the catalogue, or the initiator does not take its answers, what was
 * read waits in {@link #backlog} and the socket is not read. Everything runs on the event loop.
 */
// A void promise reports failures to exceptionCaught; a failed close has nobody to tell.
@SuppressWarnings("FutureReturnValueIgnored")
public final class ConnectionHandler extends ChannelInboundHandlerAdapter
        implements PduDecoder.Sink, LoginPhase.Connection {
    private static final Logger LOG = LoggerFactory.getLogger(ConnectionHandler.class);

    private final ServerContext server;
    private final int portalGroup;
    private final ArrayDeque<ByteBuf> backlog = new ArrayDeque<>();

    private @Nullable Connected connected;
    private @Nullable Session session;
    private @Nullable ScheduledFuture<?> deadline;
    private long lastHeardNanos;
    private long pingedNanos;
    private boolean pinged;
    private boolean counted;
    private boolean loginPending;
    private boolean closing;

    /** What exists once the channel does. */
    private record Connected(
            ChannelHandlerContext ctx,
            String address,
            PduDecoder decoder,
            PduWriter writer,
            LoginPhase login) {}

    /** A connection to a portal of some group. */
    public ConnectionHandler(ServerContext server, int portalGroup) {
        this.server = server;
        this.portalGroup = portalGroup;
    }

    private Connected connected() {
        return Objects.requireNonNull(connected);
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        InetSocketAddress remote = (InetSocketAddress) ctx.channel().remoteAddress();
        String address = remote.getAddress().getHostAddress();
        LoginPhase login =
                new LoginPhase(
                        this,
                        server.limits(),
                        server.random(),
                        address,
                        portalGroup,
                        server.catalog().discoveryAuthentication());
        PduDecoder decoder = new PduDecoder(ctx.alloc(), this, LoginPhase.MAXIMUM_SEGMENT_BYTES);
        connected = new Connected(ctx, address, decoder, new PduWriter(ctx), login);
        server.metrics().connectionOpened();
        if (!server.registry().connected(address, server.limits())) {
            LOG.debug("{}: too many connections", ctx.channel());
            server.metrics().badInput();
            closing = true;
            ctx.close();
            return;
        }
        counted = true;
        loginPending = true;
        deadline =
                ctx.channel()
                        .eventLoop()
                        .schedule(
                                this::loginTooSlow,
                                server.limits().loginTimeoutMs(),
                                TimeUnit.MILLISECONDS);
    }

    private void loginTooSlow() {
        LOG.debug("{}: dropped, no login in time", connected().ctx().channel());
        server.metrics().badInput();
        connected().ctx().close();
    }

    // ---- turns

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf received = (ByteBuf) message;
        if (closing) {
            received.release();
            return;
        }
        lastHeardNanos = System.nanoTime();
        pinged = false;
        Session now = session;
        if (now != null) {
            now.startTurn();
        }
        if (!backlog.isEmpty()) {
            backlog.add(received);
        } else {
            decode(received);
        }
    }

    /** Decodes what there is room for; the rest waits. */
    private void decode(ByteBuf received) {
        connected().decoder().decode(received);
        if (received.isReadable()) {
            backlog.addFirst(received);
            connected().ctx().channel().config().setAutoRead(false);
        } else {
            received.release();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        endTurn();
    }

    private void endTurn() {
        Session now = session;
        if (now != null) {
            now.endTurn();
        } else if (connected != null) {
            connected.writer().flush();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (ctx.channel().isWritable()) {
            resume();
            Session now = session;
            if (now != null) {
                now.writableAgain();
            }
        }
    }

    /** Goes on with what waits, and reads the socket again once nothing does. */
    private void resume() {
        if (backlog.isEmpty() || closing) {
            return;
        }
        Session now = session;
        if (now != null) {
            now.startTurn();
        }
        ByteBuf next = backlog.poll();
        while (next != null) {
            decode(next);
            next = wantsMore() ? backlog.poll() : null;
        }
        endTurn();
        if (backlog.isEmpty()) {
            connected().ctx().channel().config().setAutoRead(true);
        }
    }

    @Override
    public boolean wantsMore() {
        return !closing
                && connected().ctx().channel().isWritable()
                && (session != null || !connected().login().busy());
    }

    // ---- PDUs

    @Override
    public void pdu(Pdu pdu) {
        Session now = session;
        if (now != null) {
            now.receive(pdu);
        } else {
            login(pdu);
        }
    }

    private void login(Pdu pdu) {
        LoginPhase login = connected().login();
        if (pdu.header().opcode() == Opcode.LOGIN) {
            login.receive(pdu);
        } else if (login.untouched()) {
            drop("the first PDU is no login"); // RFC 7143 section 6.3
        } else {
            server.metrics().badInput();
            login.refuseStranger(pdu.header());
        }
        pdu.release();
    }

    @Override
    public void malformed(Header header, RejectReason reason, String why) {
        LOG.info("{}: dropped: {}", connected().ctx().channel(), why);
        Session now = session;
        if (now == null) {
            drop(why);
        } else {
            now.malformed(header, reason);
        }
    }

    private void drop(String why) {
        LOG.debug("{}: dropped: {}", connected().ctx().channel(), why);
        server.metrics().badInput();
        closing = true;
        connected().decoder().end();
        connected().ctx().close();
    }

    // ---- login

    @Override
    public void respond(Header response, byte[] text) {
        connected().writer().write(response, Unpooled.wrappedBuffer(text));
        connected().writer().flush();
    }

    @Override
    public void refuse(Header response, byte[] text, LoginStatus status, String why) {
        LOG.info("{}: login refused with {}: {}", connected().ctx().channel(), status, why);
        server.metrics().loginRefused(status.code());
        closing = true;
        respond(response, text);
        connected()
                .ctx()
                .writeAndFlush(Unpooled.EMPTY_BUFFER)
                .addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void decideAccess(Initiator initiator, String targetName) {
        server.catalog()
                .access(initiator, targetName)
                .whenComplete((access, failure) -> onLoop(() -> decided(access, failure)));
    }

    private void decided(TargetAccess access, @Nullable Throwable failure) {
        if (failure != null) {
            LOG.warn("the catalogue failed to decide", failure);
            connected().login().refuse(LoginStatus.TARGET_ERROR, "the catalogue failed");
        } else {
            connected().login().accessDecided(access);
        }
        resume();
    }

    @Override
    public void complete(LoginResult result) {
        new SessionStart(server, this, connected().ctx(), portalGroup, result).begin();
    }

    /** The session that a login led to; nothing when the connection has gone meanwhile. */
    void started(Session made, LoginResult result) {
        loginOver(); // before the answer: who has it may count on the freed place
        Header response = result.response();
        response.setShort(14, made.tsih());
        respond(response, result.text());
        SessionParameters agreed = result.negotiation().parameters();
        connected()
                .decoder()
                .configure(
                        server.limits().receiveSegmentBytes(),
                        agreed.headerDigest(),
                        agreed.dataDigest());
        connected().writer().configure(agreed.headerDigest(), agreed.dataDigest());
        session = made;
        watch();
        resume();
    }

    PduWriter writer() {
        return connected().writer();
    }

    boolean gone() {
        return closing || !connected().ctx().channel().isActive();
    }

    void refuseLogin(LoginStatus status, String why) {
        connected().login().refuse(status, why);
    }

    /** Runs on the event loop, at once when this is it. */
    void onLoop(Runnable action) {
        if (connected().ctx().channel().eventLoop().inEventLoop()) {
            action.run();
        } else {
            connected().ctx().channel().eventLoop().execute(action);
        }
    }

    private void loginOver() {
        ScheduledFuture<?> timer = deadline;
        deadline = null;
        if (timer != null) {
            timer.cancel(false);
        }
        if (loginPending) {
            loginPending = false;
            server.registry().loginEnded(connected().address());
        }
    }

    // ---- pings

    /** Pings an initiator that says nothing, and drops one that does not answer. */
    private void watch() {
        int intervalMs = server.limits().pingIntervalMs();
        if (intervalMs > 0) {
            lastHeardNanos = System.nanoTime();
            check(intervalMs);
        }
    }

    private void check(long afterMs) {
        deadline =
                connected()
                        .ctx()
                        .channel()
                        .eventLoop()
                        .schedule(this::checkNow, afterMs, TimeUnit.MILLISECONDS);
    }

    private void checkNow() {
        Session now = session;
        if (now == null || closing) {
            return;
        }
        int intervalMs = server.limits().pingIntervalMs();
        int timeoutMs = server.limits().pingTimeoutMs();
        long silentMs = millisecondsSince(lastHeardNanos);
        if (silentMs < intervalMs) {
            check(intervalMs - silentMs);
        } else if (!pinged) {
            pinged = true;
            pingedNanos = System.nanoTime();
            now.ping();
            check(Math.min(intervalMs, timeoutMs));
        } else {
            long waitedMs = millisecondsSince(pingedNanos);
            if (waitedMs >= timeoutMs) {
                LOG.info("{}: dropped, no answer to a ping", connected().ctx().channel());
                connected().ctx().close();
            } else {
                check(Math.min(intervalMs, timeoutMs - waitedMs));
            }
        }
    }

    private static long millisecondsSince(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanos);
    }

    // ---- the end

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        closing = true;
        server.metrics().connectionClosed();
        loginOver();
        if (counted) {
            server.registry().disconnected();
        }
        connected().decoder().end();
        backlog.forEach(ByteBuf::release);
        backlog.clear();
        Session now = session;
        if (now != null) {
            now.connectionClosed();
        }
        connected().writer().discard();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (cause instanceof IOException) {
            LOG.debug("{}: connection lost: {}", ctx.channel(), cause.getMessage());
        } else {
            LOG.warn("{}: connection failed", ctx.channel(), cause);
        }
        ctx.close();
    }
}
