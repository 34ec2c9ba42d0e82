package dev.tidemark.iscsi.session;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.iscsi.login.LoginResult;
import dev.tidemark.iscsi.login.SessionParameters;
import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.pdu.Pdu;
import dev.tidemark.iscsi.pdu.PduWriter;
import dev.tidemark.iscsi.pdu.RejectReason;
import dev.tidemark.iscsi.scsi.LunMap;
import dev.tidemark.iscsi.scsi.NexusId;
import dev.tidemark.iscsi.scsi.SessionHooks;
import dev.tidemark.iscsi.scsi.UnitHandle;
import dev.tidemark.iscsi.target.Initiator;
import dev.tidemark.iscsi.target.Lun;
import dev.tidemark.iscsi.target.OpenedTarget;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session in full feature phase, over its one connection.
 *
 * <p>Work is done in <em>turns</em> on the event loop: a burst of socket reads, or a batch of
 * completions from other threads. All commands of a turn go to their devices, then each device gets
 * one {@link BlockDevice#submit}; all answers of a turn are gathered and flushed once.
 *
 * <p>Everything but {@link #completed}, {@link #later}, {@link #abortTasks} and {@link #end} runs
 * on the event loop.
 */
// A failed close has nobody to tell.
@SuppressWarnings("FutureReturnValueIgnored")
final class Session implements SessionHooks {
    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    private static final int LOGOUT_NOT_SUPPORTED = 2;
    private static final int CLOSE_FOR_RECOVERY = 2;

    private final ChannelHandlerContext ctx;
    private final EventLoop loop;
    private final ServerContext server;
    private final NexusId nexus;
    private final Initiator initiator;
    private final @Nullable OpenedTarget target;
    private final LunMap luns = new LunMap();
    private final CommandWindow window;
    private final Responder responder;
    private final TaskSet tasks;
    private final TaskManagement management;
    private final TextExchange text;

    private final CompletionQueue completions = new CompletionQueue();
    private final ArrayDeque<BlockDevice> touched = new ArrayDeque<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final Runnable completionTurn = this::runCompletionTurn;
    private boolean inTurn;
    private boolean closed;
    private boolean loggingOut;
    private int tsih;

    /**
     * @param target null for discovery
     * @param statSn number of the first status after login
     */
    Session(
            ChannelHandlerContext ctx,
            ServerContext server,
            LoginResult login,
            NexusId nexus,
            @Nullable OpenedTarget target,
            PduWriter writer,
            int statSn) {
        this.ctx = ctx;
        this.loop = ctx.channel().eventLoop();
        this.server = server;
        this.nexus = nexus;
        this.initiator = login.initiator();
        this.target = target;
        SessionParameters parameters = login.negotiation().parameters();
        int size = server.limits().commandWindow();
        long heldBytes = (long) size * server.limits().firstBurstBytes();
        window = new CommandWindow(login.commandNumber(), size, heldBytes);
        responder = new Responder(writer, parameters, window, statSn);
        tasks = new TaskSet(this, luns, parameters, server.limits(), ctx.alloc(), responder);
        management = new TaskManagement(this, tasks, luns, window);
        InetSocketAddress local = (InetSocketAddress) ctx.channel().localAddress();
        text = new TextExchange(this, responder, server, login.negotiation(), local);
    }

    /** Makes the target's units the session's; once it is entered in the registry. */
    void begin(int handle) {
        tsih = handle;
        OpenedTarget opened = target;
        if (opened != null) {
            for (Lun lun : opened.luns()) {
                UnitHandle unit =
                        server.registry().unit(lun.unit()).attach(nexus, lun.device(), this);
                luns.add(lun.number(), unit);
            }
            server.metrics().sessionOpened(nexus.target());
        }
        LOG.info(
                "{} logged in to {} from {}",
                nexus.initiatorPort(),
                target == null ? "discovery" : nexus.target(),
                initiator.address());
    }

    NexusId nexus() {
        return nexus;
    }

    int tsih() {
        return tsih;
    }

    Initiator initiator() {
        return initiator;
    }

    /** Null in a discovery session. */
    @Nullable String targetName() {
        return target == null ? null : nexus.target();
    }

    boolean writable() {
        return ctx.channel().isWritable();
    }

    // ---- turns

    /** A burst of PDUs begins. */
    void startTurn() {
        inTurn = true;
    }

    void endTurn() {
        submit();
        if (closed) {
            responder.discard();
        } else {
            responder.flush();
        }
        inTurn = false;
    }

    /** The initiator takes answers again. */
    void writableAgain() {
        startTurn();
        tasks.admit();
        endTurn();
    }

    /** What completes within a submit may let other commands begin, whose devices come again. */
    private void submit() {
        BlockDevice device = touched.poll();
        while (device != null) {
            try {
                device.submit();
            } catch (RuntimeException e) {
                LOG.error("{}: a device of {} failed to submit", ctx.channel(), nexus.target(), e);
                ctx.close();
            }
            device = touched.poll();
        }
    }

    /** A command went to a unit's device in this turn. */
    void touched(@Nullable UnitHandle unit) {
        if (unit != null && !touched.contains(unit.device())) {
            touched.add(unit.device());
        }
    }

    /** A unit is done with a command. Any thread. */
    void completed(Task task) {
        if (loop.inEventLoop() && inTurn) {
            tasks.completed(task);
        } else if (completions.put(task)) {
            later(completionTurn);
        }
    }

    /** Runs something as a turn of its own. Any thread. */
    void later(Runnable turn) {
        try {
            loop.execute(
                    turn.equals(completionTurn)
                            ? turn
                            : () -> {
                                startTurn();
                                turn.run();
                                endTurn();
                                endWhenIdle();
                            });
        } catch (RejectedExecutionException e) {
            LOG.debug("{}: work outlived the server", nexus.target());
        }
    }

    private void runCompletionTurn() {
        startTurn();
        Task task = completions.takeAll();
        while (task != null) {
            Task following = task.next;
            task.next = null;
            tasks.completed(task);
            task = following;
        }
        endTurn();
        endWhenIdle();
    }

    // ---- PDUs

    /** A PDU, taken over. */
    void receive(Pdu pdu) {
        Header header = pdu.header();
        switch (header.opcode()) {
            case Opcode.SCSI_COMMAND,
                    Opcode.TASK_MANAGEMENT,
                    Opcode.TEXT,
                    Opcode.LOGOUT,
                    Opcode.NOP_OUT ->
                    numbered(pdu);
            case Opcode.DATA_OUT -> {
                if (target == null) {
                    refuse(pdu, RejectReason.PROTOCOL_ERROR);
                } else {
                    tasks.dataOut(pdu);
                }
            }
            case Opcode.SNACK -> refuse(pdu, RejectReason.SNACK_REJECT);
            case Opcode.LOGIN -> {
                refuse(pdu, RejectReason.PROTOCOL_ERROR);
                closeAfterFlush();
            }
            default -> refuse(pdu, RejectReason.COMMAND_NOT_SUPPORTED);
        }
    }

    private void numbered(Pdu pdu) {
        if (pdu.header().immediate()) {
            dispatch(pdu);
            return;
        }
        switch (window.judge(pdu.header().intAt(24), pdu)) {
            case IGNORED -> {
                badInput();
                pdu.release();
            }
            case HELD -> {
                // the window owns it now
            }
            case TOO_MUCH -> {
                refuse(pdu, RejectReason.PROTOCOL_ERROR);
                closeAfterFlush();
            }
            case NEXT -> {
                Pdu next = pdu;
                while (next != null) {
                    window.advance();
                    dispatch(next);
                    next = window.takeHeld();
                }
            }
        }
    }

    private void dispatch(Pdu pdu) {
        Header header = pdu.header();
        boolean discovery = target == null;
        switch (header.opcode()) {
            case Opcode.SCSI_COMMAND -> {
                if (discovery || loggingOut) {
                    refuse(pdu, RejectReason.PROTOCOL_ERROR);
                } else {
                    tasks.command(pdu);
                }
            }
            case Opcode.TASK_MANAGEMENT -> {
                if (discovery) {
                    refuse(pdu, RejectReason.PROTOCOL_ERROR);
                } else {
                    management.request(header);
                    pdu.release();
                }
            }
            case Opcode.TEXT -> {
                text.request(pdu);
                pdu.release();
            }
            case Opcode.LOGOUT -> {
                logout(header);
                pdu.release();
            }
            default -> {
                noOperation(pdu);
                pdu.release();
            }
        }
    }

    private void noOperation(Pdu pdu) {
        Header header = pdu.header();
        int transferTag = header.intAt(20);
        if (header.initiatorTaskTag() != Header.RESERVED_TAG) {
            if (!pdu.dataIntact()) {
                reject(header, RejectReason.DATA_DIGEST_ERROR);
            } else if (transferTag != Header.RESERVED_TAG) {
                reject(header, RejectReason.PROTOCOL_ERROR);
            } else {
                responder.pong(header, pdu.data());
            }
        } else if (transferTag != Header.RESERVED_TAG && transferTag != pingTag) {
            reject(header, RejectReason.PROTOCOL_ERROR);
        }
    }

    private void logout(Header header) {
        int tag = header.initiatorTaskTag();
        int reason = header.flags() & 0x7f;
        if (reason == CLOSE_FOR_RECOVERY) {
            responder.logout(tag, LOGOUT_NOT_SUPPORTED);
            return;
        }
        loggingOut = true;
        tasks.abort(
                task -> true,
                () -> {
                    responder.logout(tag, 0);
                    closeAfterFlush();
                });
    }

    /** A task management function has come to its end. */
    void managed(int tag, int response) {
        if (!closed) {
            responder.taskManagement(tag, response);
        }
    }

    void reject(Header header, RejectReason reason) {
        badInput();
        responder.reject(header, reason);
    }

    private void refuse(Pdu pdu, RejectReason reason) {
        reject(pdu.header(), reason);
        pdu.release();
    }

    /** The stream cannot be read any more: says why, and closes. */
    void malformed(Header header, RejectReason reason) {
        reject(header, reason);
        closeAfterFlush();
    }

    void badInput() {
        server.metrics().badInput();
    }

    void answered(int operation, int status) {
        server.metrics().commandAnswered(nexus.target(), operation, status);
    }

    // ---- pings

    private int pingTag = 1;

    /** Sends a ping; any PDU that comes afterwards is a sign of life. */
    void ping() {
        startTurn();
        pingTag = pingTag == -2 ? 1 : pingTag + 1;
        responder.ping(pingTag);
        endTurn();
    }

    // ---- what others want

    @Override
    public void abortTasks(UnitHandle unit, Runnable done) {
        if (loop.inEventLoop() && inTurn) {
            tasks.abort(task -> task.unit == unit, done);
        } else {
            later(() -> tasks.abort(task -> task.unit == unit, done));
        }
    }

    @Override
    public void idle() {
        later(() -> {}); // a turn at whose end the session may end
    }

    /** Ends all sessions of the target, as a cold reset does (RFC 7143 section 11.5.1). */
    void dropTarget() {
        for (Session session : server.registry().ofTarget(nexus.target())) {
            session.later(session::closeAfterFlush);
        }
    }

    /** The target's list of units is another. Any thread. */
    void unitsChanged() {
        later(() -> luns.all().forEach(UnitHandle::lunsChanged));
    }

    /** Asks the initiator to log out. Any thread. */
    void requestLogout(int seconds) {
        later(() -> responder.requestLogout(seconds));
    }

    /**
     * Ends the session without a word. Any thread.
     *
     * @return completes once none of its commands can change anything any more
     */
    CompletableFuture<Void> end() {
        try {
            loop.execute(ctx::close);
        } catch (RejectedExecutionException e) {
            LOG.debug("{}: ended with the server", nexus.target());
        }
        return ended.copy();
    }

    private void closeAfterFlush() {
        responder.flush();
        ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    /** The connection is gone. */
    void connectionClosed() {
        closed = true;
        window.clear();
        startTurn();
        tasks.abort(task -> true, () -> {});
        endTurn();
        endWhenIdle();
    }

    private void endWhenIdle() {
        boolean busy = luns.all().stream().anyMatch(UnitHandle::busy);
        if (!closed || !tasks.isEmpty() || busy || ended.isDone()) {
            return;
        }
        luns.all().forEach(UnitHandle::detach);
        OpenedTarget opened = target;
        if (opened != null) {
            server.registry().leave(this, tsih);
            server.metrics().sessionClosed(nexus.target());
            opened.close();
        }
        LOG.info("{} left {}", nexus.initiatorPort(), nexus.target());
        ended.complete(null);
    }
}
