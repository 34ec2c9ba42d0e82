package dev.tidemark.gateway.server;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Alerts.Severity;
import dev.tidemark.gateway.tls.ServerTls;
import dev.tidemark.nbd.NbdServer;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads certificates again when they change, and ends the sessions of clients revoked meanwhile.
 * Thread-safe.
 */
final class TlsWatch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(TlsWatch.class);
    private static final long PERIOD_NANOS = 1_000_000_000;

    /** An administrator is told this long before the gateway's certificate ends. */
    private static final Duration NOTICE = Duration.ofDays(14);

    private final ServerTls tls;
    private final NbdServer nbd;
    private final Alerts alerts;
    private final Scheduler scheduler;
    private Scheduler.@Nullable Cancellable next; // guarded by this
    private boolean closed; // guarded by this

    TlsWatch(ServerTls tls, NbdServer nbd, Alerts alerts, Scheduler scheduler) {
        this.tls = tls;
        this.nbd = nbd;
        this.alerts = alerts;
        this.scheduler = scheduler;
    }

    /** Says what holds, and begins to look. */
    TlsWatch start() {
        log.info(
                "TLS: the gateway's certificate ends {}; {}",
                tls.end(),
                tls.knowsRevoked() ? "revoked clients are known" : "no list of revoked clients");
        warnOfEnd();
        again();
        return this;
    }

    private void warnOfEnd() {
        Instant now = Instant.ofEpochMilli(scheduler.wallClockMicros() / 1000);
        if (tls.end().isBefore(now.plus(NOTICE))) {
            alerts.raise(
                    Severity.WARNING,
                    Alerts.TLS_CERTIFICATE_ENDS,
                    "",
                    "the gateway's certificate ends "
                            + tls.end()
                            + "; issue another with: tidemark pki issue HOST --server");
        }
    }

    private synchronized void again() {
        if (!closed) {
            try {
                next = scheduler.schedule(PERIOD_NANOS, this::look);
            } catch (RejectedExecutionException stopping) {
                closed = true;
            }
        }
    }

    private void look() {
        try {
            if (tls.reload()) {
                int ended =
                        nbd.disconnect(client -> {
                            X509Certificate shown = client.certificate();
                            return shown != null && tls.isRevoked(shown);
                        });
                alerts.raise(
                        Severity.INFO,
                        Alerts.TLS_RELOADED,
                        "",
                        "new sessions use the changed certificates; open connections checked for revoked clients: "
                                + ended);
                warnOfEnd();
            }
        } catch (ProblemException e) {
            alerts.raise(
                    Severity.WARNING,
                    Alerts.TLS_NOT_RELOADED,
                    "",
                    "the earlier certificates stay in use: " + e.problem().sentence());
        } finally {
            again();
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (next != null) {
            next.cancel();
        }
    }
}
