package dev.tidemark.gateway.sites;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.gateway.pki.SiteAuthority;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Alerts.Severity;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.replica.link.PeerStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks every second: at peers that are down, at the certificate that has to be renewed, at
 * invitations and pairings that came to nothing. Thread-safe.
 */
final class SitesWatch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(SitesWatch.class);
    private static final long PERIOD_NANOS = 1_000_000_000;

    /** A peer that is down for longer is worth an alert. */
    private static final long DOWN_NANOS = 30_000_000_000L;

    /** A pairing that no link has confirmed by then came to nothing at the other site. */
    private static final long UNCONFIRMED_MICROS = Duration.ofHours(1).toSeconds() * 1_000_000;

    private static final Duration RETRY_RENEWAL = Duration.ofMinutes(10);

    private final Sites.Means means;
    private final Peers peers;
    private final Supplier<@Nullable LocalSite> local;
    private final BiConsumer<Peers.Peer, String> forget;
    private final Map<UUID, Long> seenNanos = new HashMap<>(); // guarded by this, like the rest
    private final Set<UUID> down = new HashSet<>();
    private Instant nextRenewal = Instant.MIN;
    private boolean warned;
    private Scheduler.@Nullable Cancellable next;
    private boolean closed;

    SitesWatch(
            Sites.Means means,
            Peers peers,
            Supplier<@Nullable LocalSite> local,
            BiConsumer<Peers.Peer, String> forget) {
        this.means = means;
        this.peers = peers;
        this.local = local;
        this.forget = forget;
    }

    /** Begins to look. */
    synchronized void start() {
        if (!closed) {
            try {
                next = means.scheduler().schedule(PERIOD_NANOS, this::look);
            } catch (RejectedExecutionException stopping) {
                closed = true;
            }
        }
    }

    private void look() {
        try {
            LocalSite site = local.get();
            if (site != null) {
                look(site);
            }
        } catch (RuntimeException e) {
            log.warn("looking after peers goes on after: {}", e.toString());
        } finally {
            start();
        }
    }

    private synchronized void look(LocalSite site) {
        if (closed) {
            return;
        }
        site.desk().purge();
        peers.all().forEach(peer -> look(site, peer));
        Set<UUID> there = peers.all().stream().map(Peers.Peer::id).collect(Collectors.toSet());
        seenNanos.keySet().retainAll(there);
        down.retainAll(there);
        means.metrics()
                .retain(peers.all().stream().map(Peers.Peer::name).collect(Collectors.toSet()));
        renew(site.authority());
    }

    private void look(LocalSite site, Peers.Peer peer) {
        means.metrics().add(peer.name(), () -> site.links().status(peer.id()));
        PeerStatus status = site.links().status(peer.id());
        long now = means.scheduler().nanoTime();
        if (status.state() == PeerStatus.State.CONNECTED) {
            seenNanos.put(peer.id(), now);
            if (down.remove(peer.id())) {
                raise(Severity.INFO, Alerts.SITE_PEER_UP, "peer " + peer.name() + " is back");
            }
            return;
        }
        if (!peer.row().confirmed()
                && nowMicros() - peer.row().pairedMicros() > UNCONFIRMED_MICROS) {
            forget.accept(peer, "no link has confirmed the pairing");
            return;
        }
        long since = seenNanos.computeIfAbsent(peer.id(), id -> now);
        if (now - since > DOWN_NANOS && down.add(peer.id())) {
            raise(
                    Severity.WARNING,
                    Alerts.SITE_PEER_DOWN,
                    "peer "
                            + peer.name()
                            + " is not connected for more than 30 s"
                            + (status.reason().isEmpty()
                                    ? ""
                                    : ": " + Plain.line(status.reason())));
        }
    }

    private long nowMicros() {
        return Timestamps.micros(means.clock().instant());
    }

    private void raise(Severity severity, String kind, String message) {
        means.alerts().raise(severity, kind, "", message);
    }

    /** At half of its life; tried again until it succeeds. */
    private void renew(SiteAuthority authority) {
        Instant now = means.clock().instant();
        SiteAuthority.Leaf leaf = authority.leaf();
        if (now.isBefore(leaf.renewal()) || now.isBefore(nextRenewal)) {
            return;
        }
        try {
            SiteAuthority.Leaf fresh = authority.renew();
            warned = false;
            nextRenewal = Instant.MIN;
            log.info("certificate renewed serial={} ends={}", fresh.serial(), fresh.end());
        } catch (RuntimeException e) {
            nextRenewal = now.plus(RETRY_RENEWAL);
            log.warn("the certificate could not be renewed, tried again later: {}", e.toString());
            warn(leaf, now, e);
        }
    }

    /** Once, when a quarter of its life is left. */
    private void warn(SiteAuthority.Leaf leaf, Instant now, RuntimeException why) {
        Duration half = Duration.between(leaf.renewal(), leaf.end());
        if (!warned && now.isAfter(leaf.end().minus(half.dividedBy(2)))) {
            warned = true;
            raise(
                    Severity.WARNING,
                    Alerts.SITE_CERTIFICATE_ENDS,
                    "this site's certificate ends "
                            + leaf.end()
                            + " and cannot be renewed: "
                            + why.getMessage());
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
