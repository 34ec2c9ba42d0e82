package dev.tidemark.gateway.server;

import dev.tidemark.iscsi.target.IscsiMetrics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicLong;

/** Counts the iSCSI server's connections, sessions and commands. Thread-safe. */
final class TargetMetrics implements IscsiMetrics {
    private static final int GOOD = 0;
    private static final int REDIRECTED_CLASS = 1;

    private final AtomicLong connections = new AtomicLong();
    private final AtomicLong sessions = new AtomicLong();
    private final Counter opened;
    private final Counter refused;
    private final Counter redirected;
    private final Counter good;
    private final Counter notGood;
    private final Counter badInput;

    TargetMetrics(MeterRegistry registry) {
        opened =
                counter(
                        registry,
                        "tidemark_iscsi_connections_opened",
                        "iSCSI connections since the start");
        refused =
                counter(
                        registry,
                        "tidemark_iscsi_refused_logins",
                        "iSCSI logins that were refused, whatever the reason");
        redirected =
                counter(
                        registry,
                        "tidemark_iscsi_redirected_logins",
                        "iSCSI logins that were sent to another address");
        good = commands(registry, "good");
        notGood = commands(registry, "other");
        badInput =
                counter(
                        registry,
                        "tidemark_iscsi_bad_input",
                        "What no correct initiator sends, and connections past a limit");
        gauge(registry, "tidemark_iscsi_connections", connections, "iSCSI connections now");
        gauge(registry, "tidemark_iscsi_sessions", sessions, "iSCSI sessions with a target now");
    }

    private static Counter counter(MeterRegistry registry, String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }

    private static Counter commands(MeterRegistry registry, String status) {
        return Counter.builder("tidemark_iscsi_commands")
                .tag("status", status)
                .description("SCSI commands answered; status good, or anything else")
                .register(registry);
    }

    private static void gauge(
            MeterRegistry registry, String name, AtomicLong value, String description) {
        Gauge.builder(name, value, AtomicLong::get)
                .description(description)
                .strongReference(true)
                .register(registry);
    }

    @Override
    public void connectionOpened() {
        connections.incrementAndGet();
        opened.increment();
    }

    @Override
    public void connectionClosed() {
        connections.decrementAndGet();
    }

    @Override
    public void loginRefused(int status) {
        (status >>> 8 == REDIRECTED_CLASS ? redirected : refused).increment();
    }

    @Override
    public void sessionOpened(String target) {
        sessions.incrementAndGet();
    }

    @Override
    public void sessionClosed(String target) {
        sessions.decrementAndGet();
    }

    @Override
    public void commandAnswered(String target, int operationCode, int status) {
        (status == GOOD ? good : notGood).increment();
    }

    @Override
    public void badInput() {
        badInput.increment();
    }
}
