package dev.tidemark.nbd;

/** What all connections of a server share. Thread-safe. */
final class NbdService {
    private final ExportCatalog catalog;
    private final NbdLimits limits;
    private final NbdMetrics metrics;
    private volatile boolean stopping;

    NbdService(ExportCatalog catalog, NbdLimits limits, NbdMetrics metrics) {
        this.catalog = catalog;
        this.limits = limits;
        this.metrics = metrics;
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

    /** New options and requests are refused from now on. */
    void beginStop() {
        stopping = true;
    }

    boolean stopping() {
        return stopping;
    }
}
