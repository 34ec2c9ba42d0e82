package dev.tidemark.gateway.sites;

import dev.tidemark.replica.link.LinkStatus;
import dev.tidemark.replica.link.PeerStatus;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** What is measured of each peer, from its name's first to its last moment. Thread-safe. */
public final class SiteMetrics {
    private final MeterRegistry registry;
    private final Map<String, Peer> peers = new HashMap<>(); // guarded by this

    /** Function counters hold their source weakly: this keeps it. */
    private record Peer(Supplier<PeerStatus> status, List<Meter> meters) {}

    public SiteMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    /** Shows a peer; called again under the same name, does nothing. */
    public synchronized void add(String name, Supplier<PeerStatus> status) {
        if (!peers.containsKey(name)) {
            peers.put(name, new Peer(status, meters(name, status)));
        }
    }

    /** Forgets peers that are no longer there. */
    public synchronized void retain(Set<String> names) {
        for (String name : List.copyOf(peers.keySet())) {
            Peer peer = names.contains(name) ? null : peers.remove(name);
            if (peer != null) {
                peer.meters().forEach(registry::remove);
            }
        }
    }

    private List<Meter> meters(String name, Supplier<PeerStatus> status) {
        return List.of(
                gauge(
                        "tidemark_site_link_up",
                        "Whether a link with the peer is up",
                        name,
                        status,
                        one -> one.state() == PeerStatus.State.CONNECTED ? 1 : 0),
                gauge(
                        "tidemark_site_link_refused",
                        "Whether one of the two sites refuses the other",
                        name,
                        status,
                        one -> one.state() == PeerStatus.State.REFUSED ? 1 : 0),
                gauge(
                        "tidemark_site_link_round_trip_seconds",
                        "Time to the peer and back, of the last heartbeat; 0 without a link",
                        name,
                        status,
                        one -> of(one, link -> link.roundTripNanos() / 1e9)),
                counter(
                        "tidemark_site_link_sent_bytes",
                        "Bytes sent to the peer as handed to TLS, of the link that is up",
                        name,
                        status,
                        one -> of(one, LinkStatus::sentWireBytes)),
                counter(
                        "tidemark_site_link_received_bytes",
                        "Bytes received from the peer, of the link that is up",
                        name,
                        status,
                        one -> of(one, LinkStatus::receivedWireBytes)),
                counter(
                        "tidemark_site_link_sent_raw_bytes",
                        "Bytes of records and regions sent to the peer before compression, of the link that is up",
                        name,
                        status,
                        one -> of(one, LinkStatus::sentRawBytes)),
                counter(
                        "tidemark_site_link_received_raw_bytes",
                        "Bytes of records and regions received from the peer after decompression, of the link that is up",
                        name,
                        status,
                        one -> of(one, LinkStatus::receivedRawBytes)));
    }

    private static double of(PeerStatus status, ToDoubleFunction<LinkStatus> value) {
        @Nullable LinkStatus link = status.link();
        return link == null ? 0 : value.applyAsDouble(link);
    }

    private Meter gauge(
            String metric,
            String help,
            String peer,
            Supplier<PeerStatus> status,
            ToDoubleFunction<PeerStatus> value) {
        return Gauge.builder(metric, status, source -> value.applyAsDouble(source.get()))
                .description(help)
                .tag("peer", peer)
                .strongReference(true)
                .register(registry);
    }

    private Meter counter(
            String metric,
            String help,
            String peer,
            Supplier<PeerStatus> status,
            ToDoubleFunction<PeerStatus> value) {
        return FunctionCounter.builder(metric, status, source -> value.applyAsDouble(source.get()))
                .description(help)
                .tag("peer", peer)
                .register(registry);
    }
}
