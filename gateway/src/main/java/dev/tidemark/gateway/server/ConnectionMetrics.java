package dev.tidemark.gateway.server;

import dev.tidemark.nbd.NbdMetrics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicLong;

/** Counts the NBD server's connections. Thread-safe. */
final class ConnectionMetrics implements NbdMetrics {
    private final AtomicLong open = new AtomicLong();
    private final Counter opened;
    private final Counter failedHandshakes;
    private final Counter pauses;
    private final Counter tlsSessions;
    private final Counter tlsFailures;

    ConnectionMetrics(MeterRegistry registry) {
        opened =
                Counter.builder("tidemark_nbd_connections_opened")
                        .description("NBD connections since the start")
                        .register(registry);
        failedHandshakes =
                Counter.builder("tidemark_nbd_failed_handshakes")
                        .description("NBD connections that ended before a disk was open, unasked")
                        .register(registry);
        pauses =
                Counter.builder("tidemark_nbd_paused_reads")
                        .description("Times a connection was not read because a limit was reached")
                        .register(registry);
        tlsSessions =
                Counter.builder("tidemark_nbd_tls_sessions")
                        .description("NBD sessions that went on inside TLS")
                        .register(registry);
        tlsFailures =
                Counter.builder("tidemark_nbd_tls_failures")
                        .description(
                                "NBD clients that asked for TLS and got no session: no certificate, a bad or revoked one, no common version")
                        .register(registry);
        Gauge.builder("tidemark_nbd_connections", open, AtomicLong::get)
                .description("NBD connections now")
                .strongReference(true)
                .register(registry);
    }

    @Override
    public void connectionOpened() {
        open.incrementAndGet();
        opened.increment();
    }

    @Override
    public void connectionClosed() {
        open.decrementAndGet();
    }

    @Override
    public void handshakeFailed() {
        failedHandshakes.increment();
    }

    @Override
    public void tlsStarted() {
        tlsSessions.increment();
    }

    @Override
    public void tlsFailed() {
        tlsFailures.increment();
    }

    @Override
    public void readingPaused() {
        pauses.increment();
    }
}
