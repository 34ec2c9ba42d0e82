package dev.tidemark.iscsi.session;

import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.IscsiMetrics;
import dev.tidemark.iscsi.target.ReservationStore;
import dev.tidemark.iscsi.target.TargetCatalog;
import java.security.SecureRandom;
import java.util.List;

/** What all connections of a server share. Thread-safe. */
public final class ServerContext {
    private final TargetCatalog catalog;
    private final IscsiLimits limits;
    private final IscsiMetrics metrics;
    private final SessionRegistry registry;
    private final SecureRandom random = new SecureRandom();
    private volatile List<BoundPortal> portals = List.of();

    public ServerContext(
            TargetCatalog catalog,
            IscsiLimits limits,
            IscsiMetrics metrics,
            ReservationStore reservations) {
        this.catalog = catalog;
        this.limits = limits;
        this.metrics = metrics;
        this.registry = new SessionRegistry(reservations);
    }

    TargetCatalog catalog() {
        return catalog;
    }

    IscsiLimits limits() {
        return limits;
    }

    IscsiMetrics metrics() {
        return metrics;
    }

    public SessionRegistry registry() {
        return registry;
    }

    SecureRandom random() {
        return random;
    }

    /** Where initiators can connect, for discovery; set once all are bound. */
    public void portals(List<BoundPortal> bound) {
        portals = List.copyOf(bound);
    }

    List<BoundPortal> portals() {
        return portals;
    }
}
