package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.PointSpec;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GroupProperties {
    private static final long SECOND = 1_000_000_000L;

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {11, 12, 13})
    void everySequenceNumberOfSeveralVolumesOpensExactlyWhileFoldsGoOn(long seed) throws Exception {
        Rig rig = new Rig(seed).create();
        List<BlockDevice> devices = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            VolumeInfo volume = rig.addVolume("disk" + i, (256 << 10) + 512 * i);
            devices.add(rig.group().openVolume(volume.id()));
        }
        long first = rig.group().status().headSequence();
        for (int i = 0; i < 250; i++) {
            rig.randomWrite(devices.get(rig.random.nextInt(3)), 12_000);
            if (rig.random.nextInt(10) == 0) {
                rig.scheduler.runFor(rig.random.nextInt(1500) * 1_000_000L);
            }
            if (rig.random.nextInt(20) == 0) {
                long last = rig.group().status().headSequence();
                rig.checkView(first + rig.random.nextLong(last - first + 1));
            }
        }
        long last = rig.group().status().headSequence();
        for (long sequence = first; sequence <= last; sequence++) {
            rig.checkView(sequence);
        }
        rig.checkHead();
        assertThat(rig.group().counters().folds()).isPositive();
        assertThat(rig.alerts).isEmpty();
    }

    /**
     * Folds, and new writes, run between a view's look into the index and its read of gold, and
     * before it looks again (invariant 5).
     */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {21, 22, 23, 24})
    void aReadOfAViewIsNotTornByAFoldInItsMiddle(long seed) throws Exception {
        FoldInTheMiddle middle = new FoldInTheMiddle(seed, true);
        middle.run();
        assertThat(middle.foldsInTheMiddle).isPositive();
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {21})
    void aViewThatDoesNotLookAgainIsCaught(long seed) {
        FoldInTheMiddle middle = new FoldInTheMiddle(seed, false);
        assertThatThrownBy(middle::run)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("first difference");
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {25})
    void anAllocationThatDoesNotLookAgainIsCaught(long seed) {
        FoldInTheMiddle middle = new FoldInTheMiddle(seed, false);
        middle.onlyAllocation = true;
        assertThatThrownBy(middle::run)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("is called zero");
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {25, 26, 27})
    void anAllocationIsNotTornByAFoldInItsMiddle(long seed) throws Exception {
        FoldInTheMiddle middle = new FoldInTheMiddle(seed, true);
        middle.onlyAllocation = true;
        middle.run();
        assertThat(middle.foldsInTheMiddle).isPositive();
    }

    private static final class FoldInTheMiddle {
        private final Rig rig;
        private boolean onlyAllocation;
        private boolean armed;
        private BlockDevice device;
        int foldsInTheMiddle;

        @SuppressWarnings("NullAway.Init") // the device is opened in run
        FoldInTheMiddle(long seed, boolean looksAgain) {
            this.rig = new Rig(seed);
            rig.rules =
                    rig.new NotingRules() {
                        @Override
                        boolean looksAgainAfterGold() {
                            return looksAgain;
                        }

                        @Override
                        void viewLookedUp() {
                            interrupt();
                        }

                        @Override
                        void viewReadGold() {
                            interrupt();
                        }
                    };
        }

        private void interrupt() {
            if (!armed || rig.random.nextInt(3) > 0) {
                return;
            }
            armed = false;
            long before = rig.group().counters().folds();
            for (int i = 0; i < 5; i++) {
                rig.randomWrite(device, 30_000);
            }
            rig.zero(device, 4096L * rig.random.nextInt(60), 40_960);
            rig.scheduler.runFor(2 * SECOND);
            foldsInTheMiddle += (int) (rig.group().counters().folds() - before);
            armed = true;
        }

        private void check(PointInTimeView view) throws Exception {
            if (!onlyAllocation) {
                rig.checkView(view);
                return;
            }
            for (int i = 0; i < 8; i++) {
                BlockDevice at = view.device(view.volumes().getFirst().id());
                rig.checkAllocation(at, view.volumes().getFirst().id(), view.point().sequence());
                at.close();
            }
        }

        void run() throws Exception {
            rig.create();
            VolumeInfo volume = rig.addVolume("disk", 300_000);
            device = rig.group().openVolume(volume.id());
            for (int round = 0; round < 15; round++) {
                rig.randomWrite(device, 30_000);
                rig.scheduler.runFor(2 * SECOND);
                rig.randomWrite(device, 5_000);
                long at = rig.group().status().headSequence() - rig.random.nextInt(3);
                try (PointInTimeView view =
                        rig.await(rig.group().openView(new PointSpec.AtSequence(at)))) {
                    armed = true;
                    check(view);
                    armed = false;
                }
            }
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {31, 32, 33, 34, 35, 36, 37, 38})
    void powerLossAtAnyOperationKeepsAPrefixAndEveryCheckpointInIt(long seed) throws Exception {
        Crashing crashing = new Crashing(new Rig(seed));
        for (int life = 0; life < 8; life++) {
            crashing.liveAndDie(life % 3 == 2);
        }
    }

    /**
     * Lives of a group that end with a crash or a kill; after each the group is compared with the
     * model.
     */
    static final class Crashing {
        private final Rig rig;
        private final List<Checkpoint> checkpoints = new ArrayList<>();
        private long forced;
        private long acknowledged;
        private boolean faults;

        Crashing(Rig rig) throws Exception {
            this.rig = rig;
            rig.create();
            rig.addVolume("one", 200_000);
            rig.addVolume("two", 131_072);
            acknowledged = rig.group().status().headSequence();
        }

        /** Requests may fail, and so may the group. */
        void liveWithFaults() throws Exception {
            faults = true;
            live(false);
            faults = false;
        }

        /** Power is lost. */
        void die() throws Exception {
            die(false);
        }

        void liveAndDie(boolean kill) throws Exception {
            if (!kill) {
                rig.disk.powerOffAfter(20 + rig.random.nextInt(600));
            }
            live(kill);
            die(kill);
        }

        private void die(boolean kill) throws Exception {
            if (kill) {
                rig.killAndOpen();
                assertThat(rig.group().status().headSequence())
                        .as("seed %d: acknowledged writes after a kill", rig.seed)
                        .isGreaterThanOrEqualTo(acknowledged);
            } else {
                rig.crashAndOpen();
            }
            rig.checkRecovered(forced);
            acknowledged = rig.group().status().headSequence();
            forced = acknowledged;
            checkpoints.removeIf(checkpoint -> checkpoint.sequence() > acknowledged);
            for (Checkpoint checkpoint : checkpoints) {
                rig.checkView(checkpoint.sequence());
            }
            rig.checkHead();
        }

        private void live(boolean kill) throws Exception {
            List<BlockDevice> devices = new ArrayList<>();
            for (int volume : rig.models.keySet()) {
                devices.add(rig.group().openVolume(volume));
            }
            for (int i = 0; i < 150 && !rig.disk.isPoweredOff(); i++) {
                BlockDevice device = devices.get(rig.random.nextInt(devices.size()));
                step(device);
            }
            if (!kill) {
                rig.scheduler.runFor(rig.random.nextInt(2000) * 1_000_000L);
            }
        }

        private void step(BlockDevice device) throws Exception {
            switch (rig.random.nextInt(12)) {
                case 0 -> rig.scheduler.runFor(rig.random.nextInt(1500) * 1_000_000L);
                case 1 -> {
                    long upTo = acknowledged;
                    if (rig.tryFlush(device)) {
                        forced = Math.max(forced, upTo);
                    }
                }
                case 2 -> {
                    try {
                        Checkpoint made =
                                rig.await(
                                        rig.group()
                                                .addCheckpoint("c" + checkpoints.size(), "text"));
                        checkpoints.add(made);
                        forced = Math.max(forced, made.sequence());
                    } catch (ReplicaException failed) {
                        assertThat(rig.disk.isPoweredOff() || faults).isTrue();
                    }
                }
                default -> {
                    boolean fua = rig.random.nextInt(8) == 0;
                    if (rig.tryWrite(device, 9000, fua)) {
                        acknowledged = rig.lastModelSequence();
                        forced = fua ? Math.max(forced, acknowledged) : forced;
                    }
                }
            }
        }
    }
}
