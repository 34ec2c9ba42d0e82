package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.storage.simulation.FaultPlan;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A log keeps its promises whatever happens to the disk and when. */
final class RecordLogProperties {
    private static final long SEED = Long.getLong("tidemark.seed", 20_260_101L);
    private static final int WORLDS = Integer.getInteger("tidemark.worlds", 60);

    private interface Life {
        void live(LogWorld world) throws Exception;
    }

    private static void worlds(boolean preallocate, Life life) throws Exception {
        for (long seed = SEED; seed < SEED + WORLDS; seed++) {
            try {
                life.live(new LogWorld(seed, preallocate));
            } catch (Exception | AssertionError failure) {
                throw new AssertionError("seed " + seed, failure);
            }
        }
    }

    @Test
    void afterPowerLossAtAnyMomentTheLogIsAPrefixNoShorterThanTheLastForce() throws Exception {
        worlds(true, RecordLogProperties::crashes);
    }

    @Test
    void theSameHoldsForALogThatIsNotPreallocated() throws Exception {
        worlds(false, RecordLogProperties::crashes);
    }

    private static void crashes(LogWorld world) throws Exception {
        world.create();
        for (int life = 0; life < 4; life++) {
            world.disk.powerOffAfter(1 + world.random.nextInt(120));
            for (int i = 0; i < 150 && !world.disk.isPoweredOff(); i++) {
                world.step();
            }
            world.crash();
            openThroughCrashes(world);
            world.verify();
        }
    }

    /** Power may go while the log is opened, too. */
    private static void openThroughCrashes(LogWorld world) throws JournalException {
        while (world.random.nextInt(3) == 0) {
            world.disk.powerOffAfter(1 + world.random.nextInt(30));
            try {
                world.open();
            } catch (JournalException poweredOff) {
                assertThat(world.disk.isPoweredOff()).as(poweredOff.toString()).isTrue();
            }
            world.crash();
        }
        world.open();
    }

    @Test
    void aKilledProcessLosesNothingThatWasAppended() throws Exception {
        worlds(
                true,
                world -> {
                    world.create();
                    for (int life = 0; life < 4; life++) {
                        for (int i = 0; i < 100; i++) {
                            world.step();
                        }
                        world.kill();
                        world.open();
                        world.verify();
                        world.crash();
                        world.open();
                        world.verify();
                    }
                });
    }

    @Test
    void failedWritesAreNeverTakenForValidLater() throws Exception {
        worlds(
                true,
                world -> {
                    world.create();
                    for (int life = 0; life < 3; life++) {
                        world.disk.faults(
                                FaultPlan.seeded(new Random(world.random.nextLong()), 0, 0.2, 0));
                        for (int i = 0; i < 100; i++) {
                            world.step();
                        }
                        world.disk.faults(FaultPlan.NONE);
                        if (world.random.nextBoolean()) {
                            world.disk.powerOffAfter(1 + world.random.nextInt(60));
                        }
                        for (int i = 0; i < 100 && !world.disk.isPoweredOff(); i++) {
                            world.step();
                        }
                        world.crash();
                        world.open();
                        world.verify();
                    }
                });
    }

    @Test
    void aFullDiskFailsWritesAndLosesNothing() throws Exception {
        worlds(
                false,
                world -> {
                    world.create();
                    for (int life = 0; life < 3; life++) {
                        world.disk.budgetBytes(
                                world.disk.usedBytes() + world.random.nextInt(600_000));
                        for (int i = 0; i < 100; i++) {
                            world.step();
                        }
                        world.disk.budgetBytes(1L << 40);
                        for (int i = 0; i < 50; i++) {
                            world.step();
                        }
                        world.crash();
                        world.open();
                        world.verify();
                    }
                });
    }

    @Test
    void failedForcesAreFinalAndPromiseNothing() throws Exception {
        worlds(
                true,
                world -> {
                    world.create();
                    world.disk.faults(
                            FaultPlan.seeded(new Random(world.random.nextLong()), 0, 0, 0.1));
                    for (int i = 0; i < 150; i++) {
                        world.step();
                    }
                    world.disk.faults(FaultPlan.NONE);
                    world.crash();
                    world.open();
                    world.verify();
                });
    }
}
