package dev.tidemark.iscsi.session;

import dev.tidemark.execution.Causes;
import dev.tidemark.iscsi.login.LoginResult;
import dev.tidemark.iscsi.login.LoginStatus;
import dev.tidemark.iscsi.scsi.NexusId;
import dev.tidemark.iscsi.target.OpenedTarget;
import dev.tidemark.iscsi.target.TargetOpenException;
import io.netty.channel.ChannelHandlerContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From a completed login to a session (RFC 7143 section 6.3.5): an older session of the same nexus
 * is ended first, and only once none of its commands can change anything any more does the new one
 * begin. Runs on the connection's event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the end of a session cannot fail
final class SessionStart {
    private static final Logger LOG = LoggerFactory.getLogger(SessionStart.class);

    private final ServerContext server;
    private final ConnectionHandler connection;
    private final ChannelHandlerContext ctx;
    private final LoginResult login;
    private final NexusId nexus;

    SessionStart(
            ServerContext server,
            ConnectionHandler connection,
            ChannelHandlerContext ctx,
            int portalGroup,
            LoginResult login) {
        this.server = server;
        this.connection = connection;
        this.ctx = ctx;
        this.login = login;
        String target = login.target();
        this.nexus =
                new NexusId(
                        login.initiator().name(),
                        login.isid(),
                        target == null ? "" : target,
                        portalGroup);
    }

    void begin() {
        String target = login.target();
        if (target == null) {
            if (login.tsih() != 0) {
                connection.refuseLogin(LoginStatus.SESSION_DOES_NOT_EXIST, "no such session");
            } else {
                discover();
            }
            return;
        }
        Session older = server.registry().find(nexus);
        if (login.tsih() != 0 && (older == null || older.tsih() != login.tsih())) {
            connection.refuseLogin(
                    LoginStatus.SESSION_DOES_NOT_EXIST, "no session " + login.tsih());
        } else if (older != null) {
            LOG.info("{}: takes the place of an older session", nexus.initiatorPort());
            older.end().thenRun(() -> connection.onLoop(() -> open(target)));
        } else {
            open(target);
        }
    }

    private void discover() {
        start(null);
    }

    private void open(String target) {
        if (connection.gone()) {
            return;
        }
        server.catalog()
                .open(login.initiator(), target)
                .whenComplete(
                        (opened, failure) -> connection.onLoop(() -> opened(opened, failure)));
    }

    private void opened(OpenedTarget opened, @Nullable Throwable failure) {
        if (failure != null) {
            refuse(failure);
        } else if (connection.gone()) {
            opened.close();
        } else {
            start(opened);
        }
    }

    private void refuse(Throwable failure) {
        Throwable cause = Causes.of(failure);
        if (cause instanceof TargetOpenException known) {
            LoginStatus status =
                    switch (known.kind()) {
                        case UNKNOWN -> LoginStatus.NOT_FOUND;
                        case DENIED -> LoginStatus.AUTHORIZATION_FAILURE;
                        case UNAVAILABLE -> LoginStatus.SERVICE_UNAVAILABLE;
                    };
            connection.refuseLogin(status, String.valueOf(known.getMessage()));
        } else {
            LOG.warn("{} could not be opened", nexus.target(), cause);
            connection.refuseLogin(LoginStatus.TARGET_ERROR, "the target could not be opened");
        }
    }

    private void start(@Nullable OpenedTarget opened) {
        int statSn = login.response().intAt(24) + 1;
        Session session =
                new Session(ctx, server, login, nexus, opened, connection.writer(), statSn);
        int tsih = 1; // of a discovery session, which nobody can join
        if (opened != null) {
            tsih =
                    server.registry()
                            .enter(session, login.tsih(), server.limits().sessionsPerTarget());
            if (tsih == 0) {
                opened.close();
                connection.refuseLogin(LoginStatus.OUT_OF_RESOURCES, "too many sessions");
                return;
            }
        }
        session.begin(tsih);
        connection.started(session, login);
    }
}
