package dev.tidemark.gateway.metrics;

import dev.tidemark.blockdevice.ErrorCode;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Counts and times the requests of one disk. Thread-safe; cheap enough for every request. */
public final class RequestMeter {
    /** What a request does. */
    enum Operation {
        READ,
        WRITE,
        ZERO,
        FLUSH;

        String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static final String LATENCY = "tidemark.request";
    static final String BYTES = "tidemark.request.bytes";
    static final String ERRORS = "tidemark.request.errors";

    private static final Duration[] BUCKETS =
            Arrays.stream(
                            new long[] {
                                50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000,
                                100_000, 500_000, 2_000_000
                            })
                    .mapToObj(micros -> Duration.ofNanos(micros * 1000))
                    .toArray(Duration[]::new);

    private final MeterRegistry registry;
    private final Tags tags;
    private final Map<Operation, Timer> latency = new EnumMap<>(Operation.class);
    private final Map<Operation, Counter> bytes = new EnumMap<>(Operation.class);

    /**
     * @param kind live, view or test
     */
    RequestMeter(MeterRegistry registry, String group, String volume, String kind) {
        this.registry = registry;
        this.tags = Tags.of("group", group, "volume", volume, "kind", kind);
        for (Operation operation : Operation.values()) {
            Tags labelled = tags.and("op", operation.label());
            latency.put(
                    operation,
                    Timer.builder(LATENCY)
                            .description("Time from a request's arrival at the disk to its end")
                            .tags(labelled)
                            .serviceLevelObjectives(BUCKETS)
                            .register(registry));
            bytes.put(
                    operation,
                    Counter.builder(BYTES)
                            .description("Bytes read, written and zeroed by ended requests")
                            .baseUnit("bytes")
                            .tags(labelled)
                            .register(registry));
        }
    }

    void succeeded(Operation operation, long lengthBytes, long startedNanos) {
        Objects.requireNonNull(latency.get(operation))
                .record(System.nanoTime() - startedNanos, TimeUnit.NANOSECONDS);
        Objects.requireNonNull(bytes.get(operation)).increment((double) lengthBytes);
    }

    void failed(Operation operation, ErrorCode code) {
        Counter.builder(ERRORS)
                .description("Requests that failed, by error code")
                .tags(
                        tags.and(
                                "op",
                                operation.label(),
                                "code",
                                code.name().toLowerCase(Locale.ROOT)))
                .register(registry)
                .increment();
    }
}
