package dev.tidemark.nbd;

import org.jspecify.annotations.Nullable;

/** What all connections of a server share. Thread-safe. */
final class NbdService {
    private final ExportCatalog catalog;
    private final NbdLimits limits;
    private final NbdMetrics metrics;
    private final @Nullable TlsOffer tls;
    private volatile boolean stopping;

    NbdService(ExportCatalog catalog, NbdLimits limits, NbdMetrics metrics) {
        this(catalog, limits, metrics, null);
    }

    NbdService(
            ExportCatalog catalog, NbdLimits limits, NbdMetrics metrics, @Nullable TlsOffer tls) {
        this.catalog = catalog;
        this.limits = limits;
        this.metrics = metrics;
        this.tls = tls;
    }

    ExportCatalog catalog() {
        return catalog;
    }

    NbdLimits limits() {
        return limits;
    }

    NbdMetrics metrics() {
        return metrics;
    }

    /** How to speak TLS; null when the server does not. */
    @Nullable TlsOffer tls() {
        return tls;
    }

    /** New options and requests are refused from now on. */
    void beginStop() {
        stopping = true;
    }

    boolean stopping() {
        return stopping;
    }
}
