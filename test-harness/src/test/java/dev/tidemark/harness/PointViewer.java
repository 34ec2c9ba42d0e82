package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.harness.TokenWriter.Sample;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Opens random points of the token disks, compares them, keeps them open for a while and compares
 * them again. Thread-safe.
 */
final class PointViewer {
    /**
     * Single writes are asked for only this long after them: the fine window of the test's group,
     * less some air.
     */
    private static final Duration FRESH = Duration.ofSeconds(40);

    private static final int TURNS_OPEN = 60;
    private static final Duration OPEN_LIMIT = Duration.ofSeconds(60);

    private final GatewayProcess gateway;
    private final List<String> disks;
    private final TokenWriter writer;
    private final Set<String> compared = ConcurrentHashMap.newKeySet();
    private final AtomicInteger exact = new AtomicInteger();
    private final AtomicInteger between = new AtomicInteger();
    private final AtomicInteger tagged = new AtomicInteger();

    PointViewer(GatewayProcess gateway, List<String> disks, TokenWriter writer) {
        this.gateway = gateway;
        this.disks = disks;
        this.writer = writer;
    }

    /** A point and the states that it may show. */
    private record Choice(String point, List<Sample> states, AtomicInteger counter) {}

    /** Opens one point after the other until told to stop. */
    Void run(Random random, TokenWriter.Condition stopped) throws Exception {
        while (!stopped.met()) {
            Choice choice = choose(random);
            if (choice == null) {
                int turn = writer.turn();
                Await.until("writes", OPEN_LIMIT, () -> stopped.met() || writer.turn() > turn);
            } else {
                view(choice, stopped);
                choice.counter.incrementAndGet();
                compared.add(choice.point);
            }
        }
        return null;
    }

    private @Nullable Choice choose(Random random) {
        if (random.nextInt(4) == 0 && !writer.tags().isEmpty()) {
            Sample sample = any(writer.tags(), random);
            return new Choice(Sample.tag(sample.turn()), List.of(sample), tagged);
        }
        long oldest = System.nanoTime() - FRESH.toNanos();
        int newest = writer.samples().isEmpty() ? 0 : writer.samples().lastKey();
        int turn = newest - random.nextInt(Math.max(1, newest));
        Map.Entry<Integer, Sample> chosen = writer.samples().ceilingEntry(turn);
        while (chosen != null && chosen.getValue().nanos() - oldest < 0) {
            chosen = writer.samples().ceilingEntry((chosen.getKey() + newest) / 2 + 1);
        }
        return chosen == null ? null : near(chosen.getValue(), random);
    }

    private static Sample any(NavigableMap<Integer, Sample> samples, Random random) {
        int newest = samples.lastKey();
        return samples.floorEntry(newest - random.nextInt(newest - samples.firstKey() + 1))
                .getValue();
    }

    /** The sample's own point, by sequence number or time, or one between it and its neighbour. */
    private Choice near(Sample sample, Random random) {
        Sample next = writer.samples().get(sample.turn() + 1);
        if (next != null && random.nextBoolean()) {
            long distance = next.sequence() - sample.sequence();
            long sequence = sample.sequence() + random.nextLong(distance + 1);
            return new Choice("seq:" + sequence, List.of(sample, next), between);
        }
        String point = random.nextInt(3) == 0 ? sample.time() : "seq:" + sample.sequence();
        return new Choice(point, List.of(sample), exact);
    }

    private void view(Choice choice, TokenWriter.Condition stopped) throws Exception {
        try (var left = gateway.connect(disks.get(0) + "@" + choice.point);
                var right = gateway.connect(disks.get(1) + "@" + choice.point)) {
            assertThat(left.readOnly()).isTrue();
            Sample shown = compare(choice, left, right);
            int end = writer.turn() + TURNS_OPEN;
            Await.until(
                    "writes while a view is open",
                    OPEN_LIMIT,
                    () -> stopped.met() || writer.turn() >= end);
            assertThat(compare(choice, left, right))
                    .as("%s, looked at later", choice.point)
                    .isEqualTo(shown);
        }
    }

    /** Both disks show the same one of the states that are possible; returns it. */
    private static Sample compare(Choice choice, NbdTestClient left, NbdTestClient right)
            throws IOException {
        List<String> found = new ArrayList<>(List.of(left.sha256(), right.sha256()));
        return choice.states.stream()
                .filter(state -> state.hashes().equals(found))
                .findFirst()
                .orElseThrow(() ->
                        new AssertionError(
                                "at %s both disks should be as after one of %s; found %s"
                                        .formatted(choice.point, choice.states, found)));
    }

    String summary() {
        return "%d points compared (%d exact, %d between writes, %d tagged), %d of them different"
                .formatted(
                        exact.get() + between.get() + tagged.get(),
                        exact.get(),
                        between.get(),
                        tagged.get(),
                        compared.size());
    }

    void expectAtLeast(int points) {
        assertThat(compared).as("points compared").hasSizeGreaterThanOrEqualTo(points);
        assertThat(exact.get()).isPositive();
        assertThat(between.get()).isPositive();
        assertThat(tagged.get()).isPositive();
    }
}
