package dev.tidemark.gateway.access;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** Counts what the rules refused. Thread-safe. */
final class AccessMetrics {
    private final Counter denied;
    private final Counter tlsRequired;

    AccessMetrics(MeterRegistry registry) {
        denied = counter(registry, "rule");
        tlsRequired = counter(registry, "tls");
    }

    private static Counter counter(MeterRegistry registry, String reason) {
        return Counter.builder("tidemark_nbd_refused")
                .tag("reason", reason)
                .description(
                        "Exports that rules refused to NBD clients; reason tls: a plain session, which TLS might help")
                .register(registry);
    }

    void refused(boolean inTls) {
        (inTls ? tlsRequired : denied).increment();
    }
}
