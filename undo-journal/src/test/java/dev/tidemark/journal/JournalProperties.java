package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.simulation.SimulatedDisk;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Points stay exact through crashes and damage at any moment. */
final class JournalProperties {
    private static final long SEED = Long.getLong("tidemark.seed", 20_260_201L);
    private static final int WORLDS = Integer.getInteger("tidemark.worlds", 60);

    private interface Life {
        void live(JournalWorld world) throws Exception;
    }

    private static void worlds(Life life) throws Exception {
        for (long seed = SEED; seed < SEED + WORLDS; seed++) {
            try {
                life.live(new JournalWorld(seed));
            } catch (Exception | AssertionError failure) {
                throw new AssertionError("seed " + seed, failure);
            }
        }
    }

    private static void day(JournalWorld world, int turns) throws Exception {
        for (int i = 0; i < turns && !world.disk.isPoweredOff(); i++) {
            switch (world.random.nextInt(10)) {
                case 0, 1 -> world.fold();
                case 2 -> mark(world);
                case 3 -> world.force();
                case 4 -> world.checkpoint("");
                case 5 -> world.journal().putAttribute("key", new byte[i], false);
                default -> world.write(20_000, false);
            }
            for (int j = world.random.nextInt(5); j > 0; j--) {
                world.scheduler.step();
            }
            world.scheduler.runFor(world.random.nextInt(1_000_000));
        }
    }

    private static void mark(JournalWorld world) {
        TestRecord record = world.checkpoint("mark-" + world.random.nextLong());
        world.scheduler.runUntilIdle();
        if (record.succeeded()) {
            world.named.add(record);
            world.acknowledged = Math.max(world.acknowledged, record.sequence());
        }
    }

    @Test
    void everyPointIsExactAfterPowerLossAtAnyMoment() throws Exception {
        worlds(world -> {
            world.create();
            for (int life = 0; life < 3; life++) {
                world.disk.powerOffAfter(1 + world.random.nextInt(300));
                try {
                    day(world, 60);
                } catch (JournalException | StorageException poweredOff) {
                    assertThat(world.disk.isPoweredOff()).as(poweredOff.toString()).isTrue();
                }
                world.crash();
                openThroughCrashes(world);
                world.verifyOpened();
                world.journal().start();
            }
        });
    }

    private static void openThroughCrashes(JournalWorld world) throws Exception {
        while (world.random.nextInt(3) == 0) {
            world.disk.powerOffAfter(1 + world.random.nextInt(60));
            try {
                world.open();
            } catch (JournalException | StorageException poweredOff) {
                assertThat(world.disk.isPoweredOff()).as(poweredOff.toString()).isTrue();
            }
            world.crash();
        }
        world.open();
    }

    @Test
    void rottenBitsAreRefusedOrHarmless() throws Exception {
        worlds(world -> {
            world.create();
            day(world, 60);
            // What is forced last of all is vouched for by a record behind it.
            world.force();
            world.write(100, false);
            world.scheduler.runUntilIdle();
            world.journal().close();
            Optional<SimulatedDisk.Rot> rot =
                    world.disk.rot(
                            (path, position) ->
                                    path.startsWith("redo-") || path.startsWith("manifest"),
                            world.random);
            assertThat(rot).isPresent();
            world.crash();
            try {
                world.open();
                world.verifyOpened();
            } catch (JournalException refused) {
                assertThat(refused.kind()).isEqualTo(JournalException.Kind.CORRUPT);
                assertThat(refused.getMessage()).containsAnyOf("redo-", "manifest-", "record");
            }
        });
    }
}
