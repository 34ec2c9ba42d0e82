package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.protection.Protections.Protection;
import dev.tidemark.replica.ship.ShippingState;
import dev.tidemark.replica.ship.ShippingStatus;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** What is measured of each copy at another site. Thread-safe. */
final class ProtectionMetrics {
    private final MeterRegistry registry;
    private final Function<Protection, Tags> tags;
    private final Map<Protection, List<Meter>> shown = new HashMap<>(); // guarded by this

    /**
     * @param tags the names of group and peer
     */
    ProtectionMetrics(MeterRegistry registry, Function<Protection, Tags> tags) {
        this.registry = registry;
        this.tags = tags;
    }

    synchronized void add(Protection protection) {
        shown.computeIfAbsent(protection, this::meters);
    }

    synchronized void remove(Protection protection) {
        List<Meter> meters = shown.remove(protection);
        if (meters != null) {
            meters.forEach(registry::remove);
        }
    }

    private List<Meter> meters(Protection protection) {
        Tags named = tags.apply(protection);
        List<Meter> meters = new ArrayList<>();
        meters.add(
                gauge(
                        "tidemark_protection_shipping",
                        "Whether records go to the copy as they are written",
                        named,
                        protection,
                        status -> status.state() == ShippingState.SHIPPING ? 1 : 0));
        meters.add(
                gauge(
                        "tidemark_protection_stopped",
                        "Whether the copy is not kept up and will not be by itself",
                        named,
                        protection,
                        status -> status.state() == ShippingState.STOPPED ? 1 : 0));
        meters.add(
                gauge(
                        "tidemark_protection_lag_seconds",
                        "Age of the oldest record that the copy has not got",
                        named,
                        protection,
                        status -> status.lagMicros() / 1e6));
        meters.add(
                gauge(
                        "tidemark_protection_backlog_bytes",
                        "Redo that is kept because the copy has not got it",
                        named,
                        protection,
                        ShippingStatus::backlogBytes));
        meters.add(
                gauge(
                        "tidemark_protection_sent_sequence",
                        "Newest record given to the link",
                        named,
                        protection,
                        ShippingStatus::sentSequence));
        meters.add(
                gauge(
                        "tidemark_protection_acknowledged_sequence",
                        "Newest record on the copy's disk",
                        named,
                        protection,
                        ShippingStatus::acknowledgedSequence));
        meters.add(
                gauge(
                        "tidemark_protection_sync_sent_bytes",
                        "Content that the newest synchronisation has sent, before compression",
                        named,
                        protection,
                        status -> status.sync().sentBytes()));
        meters.add(
                gauge(
                        "tidemark_protection_sync_read_bytes",
                        "Bytes that the newest synchronisation has read from the live disks",
                        named,
                        protection,
                        status -> status.sync().readBytes()));
        return meters;
    }

    private Meter gauge(
            String name,
            String help,
            Tags named,
            Protection protection,
            ToDoubleFunction<ShippingStatus> value) {
        return Gauge.builder(name, protection, one -> value.applyAsDouble(one.status()))
                .description(help)
                .tags(named)
                .strongReference(true)
                .register(registry);
    }
}
