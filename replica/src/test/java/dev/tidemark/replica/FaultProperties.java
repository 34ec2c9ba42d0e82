package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.simulation.FaultPlan;
import dev.tidemark.storage.simulation.FaultPlan.Operation;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FaultProperties {
    private static final long SECOND = 1_000_000_000L;

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {201, 202, 203, 204, 205, 206})
    void aFullDiskStallsTheFoldAndLosesNothing(long seed) throws Exception {
        Rig rig = new Rig(seed).create();
        rig.addVolume("one", 1_500_000);
        List<BlockDevice> devices = List.of(rig.group().openVolume(1));
        long first = rig.group().status().headSequence();
        for (int round = 0; round < 6; round++) {
            rig.disk.budgetBytes(rig.disk.usedBytes() + rig.random.nextInt(400_000));
            for (int i = 0; i < 40; i++) {
                rig.tryWrite(devices.getFirst(), 40_000, false);
                if (rig.random.nextInt(6) == 0) {
                    rig.scheduler.runFor(rig.random.nextInt(2000) * 1_000_000L);
                }
            }
            rig.forgetLostWrite();
            rig.checkHead();
            rig.disk.budgetBytes(1L << 40);
            rig.scheduler.runFor(5 * SECOND);
            assertThat(rig.group().status().state())
                    .as("seed %d: %s", seed, rig.group().status().reason())
                    .isEqualTo(GroupState.NORMAL);
            rig.write(devices.getFirst(), 0, rig.bytes(500));
            rig.checkHead();
            if (rig.random.nextBoolean()) {
                rig.crashAndOpen();
                rig.checkRecovered(0);
                rig.checkHead();
                devices = List.of(rig.group().openVolume(1));
            }
        }
        long head = rig.group().status().headSequence();
        for (int i = 0; i < 20; i++) {
            checkViewIfKept(rig, first + rig.random.nextLong(head - first + 1));
        }
    }

    /** A full disk may have cost history, never without saying so. */
    private static void checkViewIfKept(Rig rig, long sequence) throws Exception {
        try {
            rig.checkView(sequence);
        } catch (ReplicaException gone) {
            assertThat(gone.kind()).isEqualTo(ReplicaException.Kind.OUTSIDE_WINDOW);
            assertThat(rig.alerts).anyMatch(alert -> alert.startsWith("pool full"));
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {211, 212, 213, 214, 215, 216, 217, 218})
    void inputOutputErrorsFailRequestsOrTheGroupAndNeverLie(long seed) throws Exception {
        Rig rig = new Rig(seed);
        GroupProperties.Crashing crashing = new GroupProperties.Crashing(rig);
        for (int life = 0; life < 6; life++) {
            double forces = life % 2 == 0 ? 0 : 0.01;
            rig.disk.faults(FaultPlan.seeded(rig.random, 0.005, 0.01, forces));
            crashing.liveWithFaults();
            rig.disk.faults(FaultPlan.NONE);
            crashing.die();
        }
    }

    @Test
    void aFailedForceOfGoldIsFinalAndReadsGoOn() throws Exception {
        Rig rig = new Rig(3).create();
        int id = rig.addVolume("disk", 100_000).id();
        BlockDevice device = rig.group().openVolume(id);
        rig.write(device, 0, rig.bytes(9000), true);
        rig.disk.faults(
                (operation, path) -> operation == Operation.FORCE && path.endsWith("gold.raw"));
        rig.scheduler.runFor(3 * SECOND);
        assertThat(rig.group().status().state()).isEqualTo(GroupState.FAILED);
        assertThat(rig.alerts).hasSize(1).first().asString().startsWith("failed: force of");
        rig.start(device, 0, new byte[10], false).expectFailure(ErrorCode.DEVICE_FAILED);
        Outcome flushed = new Outcome();
        device.flush(flushed);
        flushed.expectFailure(ErrorCode.DEVICE_FAILED);
        rig.checkHead();
        rig.disk.faults(FaultPlan.NONE);
        rig.scheduler.runFor(60 * SECOND);
        assertThat(rig.group().status().state()).isEqualTo(GroupState.FAILED);
        rig.crashAndOpen();
        rig.checkHead();
    }

    /** Holds the fold back as a full disk would. */
    private static final class Held {
        boolean full = true;

        Rig rig(long seed) throws Exception {
            Rig rig = new Rig(seed);
            rig.options = rig.options.withUnfoldedLimit(100_000);
            rig.rules =
                    rig.new NotingRules() {
                        @Override
                        void fold(FoldSteps steps) throws JournalException, IOException {
                            if (full) {
                                throw new StorageException(
                                        StorageException.Kind.NO_SPACE, "held back", null);
                            }
                            super.fold(steps);
                        }
                    };
            return rig.create();
        }
    }

    private static List<Outcome> writeMany(BlockDevice device, int count) {
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Outcome outcome = new Outcome();
            outcomes.add(outcome);
            device.write(i * 10_000L, Unpooled.wrappedBuffer(new byte[10_000]), false, outcome);
            device.submit();
        }
        return outcomes;
    }

    @Test
    void writesWaitWhileTheFoldIsBehindAndGoOnWhenItCatchesUp() throws Exception {
        Held held = new Held();
        Rig rig = held.rig(4);
        BlockDevice device = rig.group().openVolume(rig.addVolume("disk", 400_000).id());
        List<Outcome> outcomes = writeMany(device, 30);
        rig.scheduler.runFor(2 * SECOND);
        assertThat(outcomes.stream().filter(Outcome::isEnded)).hasSize(10);
        assertThat(rig.group().status().waitingWrites()).isEqualTo(20);
        assertThat(rig.group().status().state()).isEqualTo(GroupState.STALLED);
        held.full = false;
        rig.scheduler.runFor(8 * SECOND);
        outcomes.forEach(Outcome::expectSuccess);
        assertThat(rig.group().counters().throttledWrites()).isEqualTo(20);
        assertThat(rig.alerts).containsExactly("stalled: held back", "resumed");
        rig.checkHead();
    }

    @Test
    void writesFailWithNoSpaceWhenTheFoldIsStalledForGood() throws Exception {
        Held held = new Held();
        Rig rig = held.rig(5);
        BlockDevice device = rig.group().openVolume(rig.addVolume("disk", 400_000).id());
        List<Outcome> outcomes = writeMany(device, 30);
        rig.scheduler.runFor(20 * SECOND);
        for (Outcome outcome : outcomes.subList(10, 30)) {
            outcome.expectFailure(ErrorCode.NO_SPACE);
        }
        rig.start(device, 0, new byte[10], false).expectFailure(ErrorCode.NO_SPACE);
        rig.checkHead();
        held.full = false;
        rig.scheduler.runFor(5 * SECOND);
        rig.write(device, 0, rig.bytes(10_000));
        rig.checkHead();
    }

    @Test
    void spaceReturnsWhenTestsStopAndHistoryExpires() throws Exception {
        Rig rig = new Rig(6);
        rig.options =
                rig.options.withHistory(
                        Duration.ofSeconds(20), Long.MAX_VALUE, Duration.ofSeconds(2));
        rig.create();
        int id = rig.addVolume("disk", 3_000_000).id();
        BlockDevice device = rig.group().openVolume(id);
        for (int at = 0; at < 3_000_000; at += 100_000) {
            rig.write(device, at, rig.bytes(100_000));
        }
        settle(rig, device);
        long baseline = rig.disk.usedBytes();
        List<UUID> images = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            UUID image = new UUID(1, i);
            images.add(image);
            BlockDevice own =
                    rig.await(rig.group().startImage(image, new PointSpec.Latest())).device(id);
            for (int k = 0; k < 20; k++) {
                rig.randomWrite(own, 60_000);
                rig.randomWrite(device, 60_000);
            }
            own.close();
        }
        rig.scheduler.runFor(60 * SECOND);
        assertThat(rig.disk.usedBytes()).isGreaterThan(baseline + 1_000_000);
        for (UUID image : images) {
            rig.await(rig.group().stopImage(image, false));
        }
        settle(rig, device);
        assertThat(rig.disk.usedBytes()).isLessThan(baseline + 2 * Rig.UNIT_BYTES);
        rig.checkHead();
    }

    /** A little work and much time, so that old units go. */
    private static void settle(Rig rig, BlockDevice device) {
        for (int i = 0; i < 8; i++) {
            rig.write(device, 0, rig.bytes(300_000));
            rig.scheduler.runFor(30 * SECOND);
        }
    }
}
