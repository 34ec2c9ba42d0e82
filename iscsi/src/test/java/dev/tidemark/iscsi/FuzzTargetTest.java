package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the fuzzer starts from, what it found once, and many cheap mutations of both. */
final class FuzzTargetTest {
    private static final long SEED = Long.getLong("tidemark.seed", 20261126);
    private static final int MUTATIONS = 20_000;

    /** Inputs that once broke the server, kept as resources. */
    private static final List<String> FOUND =
            List.of("admitted-while-aborting", "admitted-while-submitting");

    static Stream<String> seeds() {
        return FuzzSeeds.all().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void a_seed_breaks_nothing(String name) {
        FuzzTarget.fuzzerTestOneInput(FuzzSeeds.named(name));
    }

    @Test
    void what_broke_the_server_once_does_not_any_more() throws IOException {
        for (String name : FOUND) {
            try (InputStream found = FuzzTargetTest.class.getResourceAsStream("fuzz/" + name)) {
                assertThat(found).as(name).isNotNull();
                FuzzTarget.fuzzerTestOneInput(found.readAllBytes());
            }
        }
    }

    @Test
    void mutations_of_the_seeds_break_nothing() {
        List<Map.Entry<String, byte[]>> seeds = List.copyOf(FuzzSeeds.all().entrySet());
        Random random = new Random(SEED);
        for (int count = 0; count < MUTATIONS; count++) {
            byte[] input = seeds.get(random.nextInt(seeds.size())).getValue().clone();
            for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
                input[random.nextInt(input.length)] = (byte) random.nextInt();
            }
            int number = count;
            assertThatCode(() -> FuzzTarget.fuzzerTestOneInput(input))
                    .as("mutation %d of seed %d", number, SEED)
                    .doesNotThrowAnyException();
        }
    }
}
