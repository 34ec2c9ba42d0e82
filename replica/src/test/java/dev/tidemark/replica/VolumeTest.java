package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.VolumeModel;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class VolumeTest {
    private static final long SECOND = 1_000_000_000L;

    private static void assertRefused(ThrowingCallable call, ReplicaException.Kind kind) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ReplicaException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(kind));
    }

    @Test
    void aRawImageIsImportedWithoutItsZerosAndKeepsItsPast() throws Exception {
        Rig rig = new Rig(1).create();
        byte[] content = new byte[5 << 20];
        System.arraycopy(rig.bytes(100_000), 0, content, 1_234_567, 100_000);
        content[content.length - 1] = 7;
        StorageFile source = rig.disk.root().create("source.raw");
        source.write(0, ByteBuffer.wrap(content));
        List<Long> progress = new ArrayList<>();
        VolumeInfo info =
                rig.await(
                        rig.group()
                                .importVolume(
                                        "import", source, (done, total) -> progress.add(done)));
        assertThat(info.allocatedBytes()).isBetween(100_000L, 400_000L);
        assertThat(progress).isNotEmpty().endsWith((long) content.length);
        rig.models.put(info.id(), VolumeModel.of(content));
        rig.checkHead();
        BlockDevice device = rig.group().openVolume(info.id());
        rig.zero(device, 0, content.length);
        rig.write(device, 1_200_000, rig.bytes(70_000));
        long head = rig.group().status().headSequence();
        rig.scheduler.runFor(2 * SECOND);
        rig.checkHead();
        for (long sequence = 0; sequence <= head; sequence++) {
            rig.checkView(sequence);
        }
        rig.crashAndOpen();
        assertThat(rig.group().volumes()).hasSize(1);
    }

    @Test
    void aVolumeGrowsInUseAndViewsHaveTheSizeOfTheirPoint() throws Exception {
        Rig rig = new Rig(2).create();
        int id = rig.addVolume("disk", 100_000).id();
        BlockDevice device = rig.group().openVolume(id);
        rig.write(device, 90_000, rig.bytes(10_000));
        assertThat(rig.await(rig.group().resizeVolume(id, 250_000)).sizeBytes()).isEqualTo(250_000);
        assertThat(device.geometry().sizeBytes()).isEqualTo(250_000);
        rig.write(device, 95_000, rig.bytes(100_000));
        rig.scheduler.runFor(2 * SECOND);
        long head = rig.group().status().headSequence();
        for (long sequence = 1; sequence <= head; sequence++) {
            rig.checkView(sequence);
        }
        rig.killAndOpen();
        rig.checkHead();
        rig.checkView(1);
        assertRefused(
                () -> rig.await(rig.group().resizeVolume(id, 1000)), ReplicaException.Kind.INVALID);
    }

    @Test
    void aVolumeInUseIsNotRemoved() throws Exception {
        Rig rig = new Rig(3).create();
        int id = rig.addVolume("disk", 100_000).id();
        BlockDevice device = rig.group().openVolume(id);
        rig.write(device, 0, rig.bytes(5000));
        assertRefused(() -> rig.await(rig.group().removeVolume(id)), ReplicaException.Kind.IN_USE);
        device.close();
        PointInTimeView view = rig.await(rig.group().openView(new PointSpec.Latest()));
        assertRefused(() -> rig.await(rig.group().removeVolume(id)), ReplicaException.Kind.IN_USE);
        view.close();
        UUID image = new UUID(0, 1);
        rig.await(rig.group().startImage(image, new PointSpec.Latest()));
        assertRefused(() -> rig.await(rig.group().removeVolume(id)), ReplicaException.Kind.IN_USE);
        rig.await(rig.group().stopImage(image, false));
        rig.await(rig.group().removeVolume(id));
        assertThat(rig.group().volumes()).isEmpty();
        rig.models.clear();
        rig.scheduler.runFor(2 * SECOND);
        rig.killAndOpen();
        assertThat(rig.group().volumes()).isEmpty();
        assertThat(rig.addVolume("disk", 5000).id()).isGreaterThan(id);
        rig.checkHead();
    }

    @Test
    void namesAreUniqueAndChange() throws Exception {
        Rig rig = new Rig(4).create();
        int id = rig.addVolume("one", 5000).id();
        rig.addVolume("two", 6000);
        assertRefused(
                () -> rig.await(rig.group().addVolume("one", 1)), ReplicaException.Kind.EXISTS);
        assertRefused(
                () -> rig.await(rig.group().addVolume(" ", 1)), ReplicaException.Kind.INVALID);
        assertRefused(
                () -> rig.await(rig.group().addVolume("zero", 0)), ReplicaException.Kind.INVALID);
        assertRefused(
                () -> rig.await(rig.group().renameVolume(id, "two")), ReplicaException.Kind.EXISTS);
        rig.await(rig.group().renameVolume(id, "three"));
        rig.crashAndOpen();
        assertThat(rig.group().volumes()).extracting(VolumeInfo::name).contains("three", "two");
    }

    @Test
    void aDrainedGroupIsItsGoldImages() throws Exception {
        Rig rig = new Rig(5).create();
        int id = rig.addVolume("disk", 300_000).id();
        BlockDevice device = rig.group().openVolume(id);
        for (int i = 0; i < 50; i++) {
            rig.randomWrite(device, 20_000);
        }
        rig.await(rig.group().drain());
        rig.group().close();
        StorageFile gold =
                rig.disk
                        .root()
                        .directory("group")
                        .directory("volumes")
                        .directory(Integer.toString(id))
                        .open("gold.raw");
        byte[] content = new byte[300_000];
        gold.read(0, ByteBuffer.wrap(content));
        assertThat(gold.sizeBytes()).isEqualTo(content.length);
        assertThat(rig.model(id).firstDifference(Long.MAX_VALUE, 0, content)).isEqualTo(-1);
        assertRefused(
                () -> rig.await(rig.group().addVolume("late", 5000)), ReplicaException.Kind.FAILED);
        rig.reopen();
        rig.checkHead();
        assertThat(rig.group().status().unfoldedBytes()).isZero();
    }

    @Test
    void anIdleGroupHasNoTimersAndWritesNothing() throws Exception {
        Rig rig = new Rig(6).create();
        int id = rig.addVolume("disk", 300_000).id();
        BlockDevice device = rig.group().openVolume(id);
        rig.randomWrite(device, 1000);
        rig.scheduler.runFor(3 * SECOND);
        long head = rig.group().status().headSequence();
        long edits = rig.group().counters().journal().manifestEdits();
        rig.scheduler.runFor(300 * SECOND);
        assertThat(rig.group().status().headSequence()).isEqualTo(head);
        assertThat(rig.group().counters().journal().manifestEdits()).isEqualTo(edits);
    }

    @Test
    void trimmingAFreshDiskIsOneRecordAndAFullOneIsCutIntoRuns() throws Exception {
        Rig rig = new Rig(7).create();
        int size = 6 << 20;
        int id = rig.addVolume("disk", size).id();
        BlockDevice device = rig.group().openVolume(id);
        long before = rig.group().status().headSequence();
        rig.zero(device, 0, size);
        assertThat(rig.group().status().headSequence()).isEqualTo(before + 1);
        for (int at = 0; at < size; at += 400_000) {
            rig.write(device, at, rig.bytes(Math.min(400_000, size - at)));
        }
        rig.zero(device, 1000, size - 1000);
        rig.scheduler.runFor(3 * SECOND);
        rig.checkHead();
        long head = rig.group().status().headSequence();
        for (long sequence = 1; sequence <= head; sequence += 5) {
            rig.checkView(sequence);
        }
    }

    @Test
    void aDirectoryInUseIsRefused() throws Exception {
        Rig rig = new Rig(8).create();
        assertRefused(rig::reopen, ReplicaException.Kind.LOCKED);
    }

    @Test
    void aClosedGroupRefusesEverythingAndHidesNothing() throws Exception {
        Rig rig = new Rig(9).create();
        rig.addVolume("disk", 5000);
        rig.group().close();
        CompletableFuture<VolumeInfo> late = rig.group().addVolume("late", 5000);
        assertRefused(() -> rig.await(late), ReplicaException.Kind.FAILED);
        assertRefused(() -> rig.group().openVolume(1), ReplicaException.Kind.FAILED);
        rig.reopen();
        assertThat(rig.group().volumes()).hasSize(1);
    }
}
