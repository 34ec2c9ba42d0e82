package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.VolumeModel;
import dev.tidemark.journal.PointSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PromotionProperties {
    private static final long SECOND = 1_000_000_000L;

    private static Rig busyRig(long seed, int writes) throws Exception {
        Rig rig = new Rig(seed).create();
        rig.addVolume("one", 400_000);
        rig.addVolume("two", 262_144);
        work(rig, writes);
        return rig;
    }

    private static void work(Rig rig, int writes) throws Exception {
        List<BlockDevice> devices = new ArrayList<>();
        for (int volume : rig.models.keySet()) {
            devices.add(rig.group().openVolume(volume));
        }
        for (int i = 0; i < writes; i++) {
            rig.randomWrite(devices.get(rig.random.nextInt(devices.size())), 15_000);
            if (rig.random.nextInt(12) == 0) {
                rig.scheduler.runFor(rig.random.nextInt(1200) * 1_000_000L);
            }
        }
        devices.forEach(BlockDevice::close);
    }

    private static void expectRollback(Rig rig, long sequence) {
        rig.models.forEach((id, model) -> {
            byte[] then = model.imageAt(sequence);
            int size = (int) model.sizeAt(Long.MAX_VALUE);
            rig.rules.promotedTo.put(id, Arrays.copyOf(then, size));
        });
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {41, 42, 43, 44, 45, 46})
    void aRollbackIsUsableAtOnceAndCanBeRolledBack(long seed) throws Exception {
        Rig rig = busyRig(seed, 120);
        long head = rig.group().status().headSequence();
        long target = 1 + rig.random.nextLong(head);
        expectRollback(rig, target);
        int epoch = rig.group().epoch();
        PromotionTask task = rig.group().rollback(new PointSpec.AtSequence(target));
        rig.await(task.usable());
        assertThat(task.point().join().sequence()).isEqualTo(target);
        assertThat(rig.group().epoch()).isEqualTo(epoch + 1);
        long start = rig.rules.promotedAt;
        rig.checkHead();
        work(rig, 20);
        rig.checkHead();
        checkViewInside(rig, task, start);
        rig.await(task.done());
        rig.checkHead();
        assertThat(rig.group().promotion()).isNull();
        work(rig, 20);
        rig.checkHead();
        // The past before the rollback is still there.
        for (int i = 0; i < 5; i++) {
            rig.checkView(1 + rig.random.nextLong(start - 1));
        }
        expectRollback(rig, head);
        PromotionTask back = rig.group().rollback(new PointSpec.AtSequence(head));
        rig.await(back.done());
        rig.checkHead();
        assertThat(rig.group().epoch()).isEqualTo(epoch + 2);
        rig.killAndOpen();
        rig.checkHead();
        assertThat(rig.group().epoch()).isEqualTo(epoch + 2);
    }

    /** Hosts write between a copy's read of the image and its record: their bytes stay. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {81, 82, 83})
    void aCopyNeverOverwritesWhatAHostWroteMeanwhile(long seed) throws Exception {
        Rig rig = new Rig(seed);
        List<BlockDevice> devices = new ArrayList<>();
        Rig.NotingRules rules =
                rig.new NotingRules() {
                    @Override
                    void copyRead() {
                        for (BlockDevice device : devices) {
                            rig.randomWrite(device, 30_000);
                        }
                    }
                };
        rig.rules = rules;
        rig.create();
        rig.addVolume("one", 400_000);
        rig.addVolume("two", 262_144);
        work(rig, 80);
        devices.add(rig.group().openVolume(1));
        devices.add(rig.group().openVolume(2));
        expectRollback(rig, 20);
        PromotionTask task = rig.group().rollback(new PointSpec.AtSequence(20));
        rig.await(task.done());
        rig.checkHead();
        for (long sequence = rules.promotedAt - 5; sequence < rules.promotedAt; sequence++) {
            rig.checkView(sequence);
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {91, 92, 93})
    void everyPointInsideARollbackInProgressOpensExactlyAlsoAfterACrash(long seed)
            throws Exception {
        Rig rig = new Rig(seed);
        boolean[] may = new boolean[1];
        Rig.NotingRules rules =
                rig.new NotingRules() {
                    @Override
                    boolean mayCopy() {
                        return may[0];
                    }
                };
        rig.rules = rules;
        rig.create();
        rig.addVolume("one", 400_000);
        rig.addVolume("two", 262_144);
        work(rig, 80);
        expectRollback(rig, 25);
        rig.await(rig.group().rollback(new PointSpec.AtSequence(25)).usable());
        work(rig, 30);
        checkAllSince(rig, rules.promotedAt);
        rig.killAndOpen();
        rig.checkHead();
        work(rig, 30);
        checkAllSince(rig, rules.promotedAt);
        PointInTimeView held =
                rig.await(rig.group().openView(new PointSpec.AtSequence(rules.promotedAt + 3)));
        may[0] = true;
        PromotionTask task = rig.group().promotion();
        assertThat(task).isNotNull();
        rig.await(task.done());
        rig.checkHead();
        rig.checkView(held);
        held.close();
        rig.scheduler.runFor(SECOND);
        rig.checkHead();
    }

    private static void checkAllSince(Rig rig, long first) throws Exception {
        for (long at = first; at <= rig.group().status().headSequence(); at++) {
            rig.checkView(at);
        }
        rig.checkHead();
    }

    /** A point since the rollback began can be read until the rollback has ended. */
    private static void checkViewInside(Rig rig, PromotionTask task, long start) throws Exception {
        long inside = rig.group().status().headSequence();
        long sequence = start + rig.random.nextLong(inside - start + 1);
        try {
            rig.checkView(sequence);
        } catch (ReplicaException refused) {
            assertThat(task.done()).isDone();
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {51, 52, 53})
    void pointsInsideACompletedRollbackAreRefusedByName(long seed) throws Exception {
        Rig rig = busyRig(seed, 80);
        expectRollback(rig, 10);
        PromotionTask task = rig.group().rollback(new PointSpec.AtSequence(10));
        rig.await(task.usable());
        long inside = rig.model(1).lastSequence();
        rig.await(task.done());
        assertThatThrownBy(() -> rig.checkView(inside))
                .isInstanceOf(ReplicaException.class)
                .hasMessageContaining("inside the rollback or promotion");
        rig.killAndOpen();
        assertThatThrownBy(() -> rig.checkView(inside))
                .isInstanceOf(ReplicaException.class)
                .hasMessageContaining("inside the rollback or promotion");
        rig.checkView(rig.group().status().headSequence());
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {61, 62, 63, 64})
    void aPromotedImageWithItsWritesBecomesTheDisk(long seed) throws Exception {
        Rig rig = busyRig(seed, 80);
        UUID id = new UUID(0, seed);
        long target = 1 + rig.random.nextLong(rig.group().status().headSequence());
        Image image = rig.await(rig.group().startImage(id, new PointSpec.AtSequence(target)));
        work(rig, 40);
        for (PointVolume volume : image.volumes()) {
            BlockDevice device = image.device(volume.id());
            VolumeModel shadow = new VolumeModel(volume.sizeBytes());
            shadow.write(0, 0, rig.readAll(device));
            for (int i = 1; i < 15; i++) {
                byte[] data = rig.bytes(5000);
                int offset = rig.random.nextInt((int) volume.sizeBytes() - data.length);
                rig.write(device, offset, data);
                shadow.write(i, offset, data);
            }
            rig.rules.promotedTo.put(volume.id(), shadow.imageAt(100));
            assertThat(rig.readAll(device)).isEqualTo(shadow.imageAt(100));
            device.close();
        }
        PromotionTask task = rig.group().promote(id);
        rig.await(task.usable());
        rig.checkHead();
        work(rig, 20);
        rig.checkHead();
        rig.await(task.done());
        rig.scheduler.runFor(SECOND);
        rig.checkHead();
        assertThat(rig.group().images()).isEmpty();
        rig.killAndOpen();
        rig.checkHead();
        assertThat(rig.group().images()).isEmpty();
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {71, 72, 73, 74, 75, 76, 77, 78})
    void aRollbackGoesOnAfterPowerLossAtAnyOperation(long seed) throws Exception {
        Rig rig = busyRig(seed, 80);
        long head = rig.group().status().headSequence();
        long target = 1 + rig.random.nextLong(head);
        BlockDevice device = rig.group().openVolume(1);
        rig.flush(device);
        device.close();
        long forced = rig.group().status().headSequence();
        int epoch = rig.group().epoch();
        expectRollback(rig, target);
        rig.disk.powerOffAfter(1 + rig.random.nextInt(400));
        PromotionTask task = rig.group().rollback(new PointSpec.AtSequence(target));
        boolean usable = false;
        try {
            rig.await(task.usable());
            usable = true;
            forced = rig.rules.promotedAt;
            List<BlockDevice> devices = new ArrayList<>();
            for (int volume : rig.models.keySet()) {
                devices.add(rig.group().openVolume(volume));
            }
            for (int i = 0; i < 40 && !rig.disk.isPoweredOff(); i++) {
                rig.tryWrite(devices.get(rig.random.nextInt(2)), 9000, false);
                rig.scheduler.runFor(rig.random.nextInt(300) * 1_000_000L);
            }
        } catch (ReplicaException failed) {
            assertThat(rig.disk.isPoweredOff()).isTrue();
        }
        rig.crashAndOpen();
        if (usable) {
            assertThat(rig.group().epoch()).isEqualTo(epoch + 1);
        }
        if (rig.group().epoch() > epoch && rig.model(1).sizeAt(0) > 0 && !usable) {
            rig.noteLostPromotion();
        }
        rig.checkRecovered(forced);
        rig.checkHead();
        work(rig, 15);
        rig.checkHead();
        PromotionTask resumed = rig.group().promotion();
        if (resumed != null) {
            rig.await(resumed.done());
        }
        rig.checkHead();
        for (int i = 0; i < 5; i++) {
            rig.checkView(1 + rig.random.nextLong(head));
        }
    }
}
