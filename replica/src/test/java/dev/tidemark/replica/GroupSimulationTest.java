package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.tidemark.journal.JournalException;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Holds the ten invariants over many seeds, and shows that breaking a rule is noticed. See
 * docs/internals/simulation.md.
 */
final class GroupSimulationTest {
    private static final int SEEDS_OF_EVERY_BUILD = 2000;

    /** Within how many seeds a broken rule must be noticed. */
    private static final int SEEDS_TO_NOTICE = 300;

    private static final ResourceLeakDetector.Level LEVEL = ResourceLeakDetector.getLevel();

    /** A simulated process dies with its buffers: those are no leaks. */
    @BeforeAll
    static void ignoreWhatDeadProcessesHeld() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    }

    @AfterAll
    static void watchForLeaksAgain() {
        ResourceLeakDetector.setLevel(LEVEL);
    }

    @Test
    void allInvariantsHoldOverManySeeds() throws InterruptedException {
        Long one = Long.getLong("tidemark.simulation.seed");
        if (one != null) {
            new GroupSimulation(one, new SimulationRules()).run();
            return;
        }
        long first = Long.getLong("tidemark.simulation.first", 1L);
        int count = Integer.getInteger("tidemark.simulation.seeds", SEEDS_OF_EVERY_BUILD);
        List<String> broken = runAll(first, count);
        if (!broken.isEmpty()) {
            fail(
                    broken.size()
                            + " of "
                            + count
                            + " seeds are broken; repeat one with -Dtidemark.simulation.seed=N:\n"
                            + String.join("\n", broken.subList(0, Math.min(10, broken.size()))));
        }
    }

    private static List<String> runAll(long first, int count) throws InterruptedException {
        AtomicLong next = new AtomicLong(first);
        ConcurrentLinkedQueue<String> broken = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                long seed = next.getAndIncrement();
                                while (seed < first + count) {
                                    String wrong = run(seed, new SimulationRules());
                                    if (wrong != null) {
                                        broken.add(wrong);
                                    }
                                    seed = next.getAndIncrement();
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join(TimeUnit.MINUTES.toMillis(30));
        }
        return List.copyOf(broken);
    }

    private static @Nullable String run(long seed, SimulationRules rules) {
        try {
            new GroupSimulation(seed, rules).run();
            return null;
        } catch (AssertionError | RuntimeException wrong) {
            return "seed " + seed + ": " + wrong.getMessage();
        }
    }

    @Test
    void aSeedRepeatsTheSameRun() {
        for (long seed = 1; seed <= 3; seed++) {
            GroupSimulation once = new GroupSimulation(seed, new SimulationRules());
            once.run();
            GroupSimulation again = new GroupSimulation(seed, new SimulationRules());
            again.run();
            assertThat(again.fingerprint()).as("seed %d", seed).isEqualTo(once.fingerprint());
        }
    }

    /** Rules broken on purpose. */
    static Stream<Arguments> brokenRules() {
        return Stream.of(
                broken("gold before undo", GoldBeforeUndo::new),
                broken("gold recorded before it is forced", GoldRecordedBeforeForced::new),
                broken("acknowledged before appended", AcknowledgedBeforeAppended::new),
                broken("no second look", NoSecondLook::new),
                broken("views without a pin", ViewsWithoutPin::new));
    }

    private static Arguments broken(String name, Supplier<SimulationRules> rules) {
        return Arguments.of(name, rules);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("brokenRules")
    void aBrokenRuleIsNoticed(String name, Supplier<SimulationRules> rules) {
        for (long seed = 1; seed <= SEEDS_TO_NOTICE; seed++) {
            if (run(seed, rules.get()) != null) {
                return;
            }
        }
        fail(name + " was not noticed in " + SEEDS_TO_NOTICE + " seeds");
    }

    private static final class GoldBeforeUndo extends SimulationRules {
        @Override
        void fold(FoldSteps steps) throws JournalException, IOException {
            steps.forceRedo();
            steps.saveBeforeImages();
            steps.overwriteGold();
            steps.forceGold();
            steps.publishRun();
            steps.recordGold();
        }
    }

    private static final class GoldRecordedBeforeForced extends SimulationRules {
        @Override
        void fold(FoldSteps steps) throws JournalException, IOException {
            steps.forceRedo();
            steps.saveBeforeImages();
            steps.publishRun();
            steps.recordGold();
            steps.overwriteGold();
        }
    }

    private static final class AcknowledgedBeforeAppended extends SimulationRules {
        @Override
        boolean acknowledgesBeforeAppend() {
            return true;
        }
    }

    private static final class NoSecondLook extends SimulationRules {
        @Override
        boolean looksAgainAfterGold() {
            return false;
        }
    }

    private static final class ViewsWithoutPin extends SimulationRules {
        @Override
        boolean pinsViews() {
            return false;
        }
    }
}
