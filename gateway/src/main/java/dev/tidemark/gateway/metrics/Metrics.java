package dev.tidemark.gateway.metrics;

import dev.tidemark.replica.ProtectionGroup;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** All that the gateway measures, in Prometheus' text format. Thread-safe. */
public final class Metrics implements AutoCloseable {
    private static final long SNAPSHOT_NANOS = 500_000_000;
    private static final String OPEN_HELP =
            "1 for every open group, 0 for one that cannot be opened";

    private final PrometheusMeterRegistry registry =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics collector = new JvmGcMetrics();
    private final Map<List<String>, RequestMeter> requests = new ConcurrentHashMap<>();
    private final Map<String, List<Meter>> groups = new ConcurrentHashMap<>();

    /** Function counters hold their source weakly: this keeps the sources alive. */
    private final Map<String, Snapshots> held = new ConcurrentHashMap<>();

    public Metrics() {
        collector.bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
    }

    /** Where other classes register meters of their own. */
    public MeterRegistry registry() {
        return registry;
    }

    /** The meter of a disk. */
    public RequestMeter requests(String group, String volume, String kind) {
        return requests.computeIfAbsent(
                List.of(group, volume, kind),
                key -> new RequestMeter(registry, group, volume, kind));
    }

    /** A gauge of the whole gateway. */
    public <T> void gauge(String name, String help, T source, ToDoubleFunction<T> value) {
        Gauge.builder(name, source, value)
                .description(help)
                .strongReference(true)
                .register(registry);
    }

    /** Starts to show a group's numbers; called again under the same name, does nothing. */
    public void addGroup(String name, ProtectionGroup group) {
        groups.computeIfAbsent(name, key -> register(name, new Snapshots(group)));
    }

    private List<Meter> register(String name, Snapshots snapshots) {
        List<Meter> meters = new ArrayList<>();
        for (GroupMetric metric : GroupMetric.all()) {
            Tags tags = Tags.of("group", name);
            ToDoubleFunction<Snapshots> value =
                    source -> metric.value().applyAsDouble(source.get());
            meters.add(
                    metric.counter()
                            ? FunctionCounter.builder(metric.name(), snapshots, value)
                                    .description(metric.help())
                                    .tags(tags)
                                    .register(registry)
                            : Gauge.builder(metric.name(), snapshots, value)
                                    .description(metric.help())
                                    .tags(tags)
                                    .strongReference(true)
                                    .register(registry));
        }
        Tags named = Tags.of("group", name, "peer", "");
        meters.addAll(
                CopyMetrics.register(
                        registry,
                        named.and("copy", "journal"),
                        snapshots,
                        source -> source.get().counters().journaled()));
        meters.addAll(
                CopyMetrics.register(
                        registry,
                        named.and("copy", "analyzer"),
                        snapshots,
                        source -> source.get().counters().tapped()));
        meters.add(constant("tidemark_group_up", OPEN_HELP, name, 1));
        held.put(name, snapshots);
        return meters;
    }

    /** Shows that a group could not be opened; called again under the same name, does nothing. */
    public void addUnopened(String name) {
        groups.computeIfAbsent(
                name,
                key ->
                        List.of(
                                constant("tidemark_group_up", OPEN_HELP, name, 0),
                                constant(
                                        "tidemark_group_failed",
                                        GroupMetric.FAILED_HELP,
                                        name,
                                        1)));
    }

    private Meter constant(String metric, String help, String group, int value) {
        return Gauge.builder(metric, () -> value)
                .tags("group", group)
                .description(help)
                .register(registry);
    }

    /** Forgets groups that are no longer there. */
    public void retainGroups(List<String> names) {
        for (String name : List.copyOf(groups.keySet())) {
            if (!names.contains(name)) {
                List<Meter> meters = groups.remove(name);
                held.remove(name);
                if (meters != null) {
                    meters.forEach(registry::remove);
                }
            }
        }
    }

    /** The engine's numbers, asked for once per scrape instead of once per meter. */
    private static final class Snapshots implements Supplier<GroupMetric.Snapshot> {
        private final ProtectionGroup group;
        private long takenNanos; // guarded by this
        private GroupMetric.Snapshot newest; // guarded by this

        Snapshots(ProtectionGroup group) {
            this.group = group;
            this.takenNanos = System.nanoTime();
            this.newest = new GroupMetric.Snapshot(group.status(), group.counters());
        }

        @Override
        public synchronized GroupMetric.Snapshot get() {
            if (System.nanoTime() - takenNanos > SNAPSHOT_NANOS) {
                newest = new GroupMetric.Snapshot(group.status(), group.counters());
                takenNanos = System.nanoTime();
            }
            return newest;
        }
    }

    /** Everything, in Prometheus' text format 0.0.4. */
    public String scrape() {
        return registry.scrape();
    }

    @Override
    public void close() {
        collector.close();
        registry.close();
    }
}
