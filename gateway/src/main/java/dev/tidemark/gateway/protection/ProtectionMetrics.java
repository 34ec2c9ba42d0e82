package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.metrics.CopyMetrics;
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
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** What is measured of each copy at another site, and of groups that have two. Thread-safe. */
public final class ProtectionMetrics {
    private final MeterRegistry registry;
    private final Map<Object, List<Meter>> shown = new HashMap<>(); // guarded by this

    public ProtectionMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    /**
     * Shows a copy until {@link #remove} is called with the same protection.
     *
     * @param named the names of group and peer
     */
    public synchronized void add(Object protection, Tags named, Supplier<ShippingStatus> status) {
        shown.computeIfAbsent(
                protection,
                one -> {
                    List<Meter> meters = meters(named, status);
                    meters.addAll(
                            CopyMetrics.register(
                                    registry,
                                    named.and("copy", "peer"),
                                    one,
                                    key -> status.get().copied()));
                    return meters;
                });
    }

    /** Shows what a copy would be synchronised by, until {@link #remove} is called. */
    public synchronized void addDirty(Object protection, Tags named, Supplier<Long> bytes) {
        Meter meter =
                Gauge.builder("tidemark_protection_dirty_bytes", bytes, Supplier::get)
                        .description(
                                "What has changed since the copy's last record while no redo is kept"
                                        + " for it, in blocks of 64 KiB; 0 while redo is kept")
                        .tags(named)
                        .strongReference(true)
                        .register(registry);
        shown.computeIfAbsent(protection, one -> new ArrayList<>()).add(meter);
    }

    /**
     * Shows that a group is active at a peer too, until {@link #remove} is called with the same
     * key.
     */
    public synchronized void addAlsoActive(Object key, Tags named, Supplier<Integer> active) {
        Meter meter =
                Gauge.builder("tidemark_group_also_active", active, Supplier::get)
                        .description(
                                "1 while the group is active at the peer too, in the same tenure, and"
                                        + " somebody has to say which one is kept; else not there")
                        .tags(named)
                        .strongReference(true)
                        .register(registry);
        shown.computeIfAbsent(key, one -> new ArrayList<>()).add(meter);
    }

    synchronized void remove(Object protection) {
        List<Meter> meters = shown.remove(protection);
        if (meters != null) {
            meters.forEach(registry::remove);
        }
    }

    private List<Meter> meters(Tags named, Supplier<ShippingStatus> status) {
        List<Meter> meters = new ArrayList<>();
        meters.add(
                gauge(
                        "tidemark_protection_shipping",
                        "Whether records go to the copy as they are written",
                        named,
                        status,
                        one -> one.state() == ShippingState.SHIPPING ? 1 : 0));
        meters.add(
                gauge(
                        "tidemark_protection_stopped",
                        "Whether the copy is not kept up and will not be by itself",
                        named,
                        status,
                        one -> one.state() == ShippingState.STOPPED ? 1 : 0));
        meters.add(
                gauge(
                        "tidemark_protection_lag_seconds",
                        "Age of the oldest record that the copy has not got",
                        named,
                        status,
                        one -> one.lagMicros() / 1e6));
        meters.add(
                gauge(
                        "tidemark_protection_backlog_bytes",
                        "Redo that is kept because the copy has not got it",
                        named,
                        status,
                        ShippingStatus::backlogBytes));
        meters.add(
                gauge(
                        "tidemark_protection_sent_sequence",
                        "Newest record given to the link",
                        named,
                        status,
                        ShippingStatus::sentSequence));
        meters.add(
                gauge(
                        "tidemark_protection_acknowledged_sequence",
                        "Newest record on the copy's disk",
                        named,
                        status,
                        ShippingStatus::acknowledgedSequence));
        meters.add(
                gauge(
                        "tidemark_protection_sync_sent_bytes",
                        "Content that the newest synchronisation has sent, before compression",
                        named,
                        status,
                        one -> one.sync().sentBytes()));
        meters.add(
                gauge(
                        "tidemark_protection_sync_read_bytes",
                        "Bytes that the newest synchronisation has read from the live disks",
                        named,
                        status,
                        one -> one.sync().readBytes()));
        return meters;
    }

    private Meter gauge(
            String name,
            String help,
            Tags named,
            Supplier<ShippingStatus> status,
            ToDoubleFunction<ShippingStatus> value) {
        return Gauge.builder(name, status, one -> value.applyAsDouble(one.get()))
                .description(help)
                .tags(named)
                .strongReference(true)
                .register(registry);
    }
}
