package dev.tidemark.gateway.metrics;

import dev.tidemark.replica.CopyCounters;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** One family for the three copies of a write: journal, peer and analyzer. */
public final class CopyMetrics {
    private CopyMetrics() {}

    /**
     * Shows a copy.
     *
     * @param named {@code copy}, {@code group}, and {@code peer}, which is empty for the copies
     *     that are at no other site
     * @param source held weakly: the caller keeps it
     */
    public static <T> List<Meter> register(
            MeterRegistry registry, Tags named, T source, Function<T, CopyCounters> counters) {
        return List.of(
                counter(
                        registry,
                        "tidemark_copy_records",
                        "Writes and zeros of hosts that a copy has got",
                        named,
                        source,
                        one -> counters.apply(one).records()),
                counter(
                        registry,
                        "tidemark_copy_bytes",
                        "Bytes that those wrote or zeroed",
                        named,
                        source,
                        one -> counters.apply(one).bytes()),
                counter(
                        registry,
                        "tidemark_copy_dropped_records",
                        "Writes and zeros of hosts that a copy did not get one by one",
                        named,
                        source,
                        one -> counters.apply(one).droppedRecords()));
    }

    private static <T> Meter counter(
            MeterRegistry registry,
            String name,
            String help,
            Tags named,
            T source,
            ToDoubleFunction<T> value) {
        return FunctionCounter.builder(name, source, value)
                .description(help)
                .tags(named)
                .register(registry);
    }
}
