package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two sites in one seeded world, each of which may be the active one: a copy takes the group over
 * with and without its source knowing, gives it back, is followed by the old site; the link is cut,
 * either machine loses power. Each site's models are made from the records of its own log, so what
 * one site has of the other is compared and not assumed.
 */
class TakeoverSimulationTest {
    private static final int SEEDS = Integer.getInteger("tidemark.takeover.seeds", 150);

    /** How often which way was taken, in all seeds. */
    private static final Map<String, Integer> TOTALS = new ConcurrentHashMap<>();

    static LongStream seeds() {
        return LongStream.range(3000, 3000 + SEEDS);
    }

    @AfterAll
    static void everyWayWasTaken() {
        for (String way :
                List.of("takeovers", "moves", "given back", "followed", "compared as a whole")) {
            assertThat(TOTALS).as("%s", TOTALS).containsKey(way);
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void theGroupGoesFromSiteToSiteWhateverBreaks(long seed) throws Exception {
        TakeoverWorld world = new TakeoverWorld(seed);
        for (int i = 0; i < 400; i++) {
            world.step();
        }
        world.finish();
        world.ways().forEach((way, count) -> TOTALS.merge(way, count, Integer::sum));
    }
}
