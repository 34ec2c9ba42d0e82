package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.PointSpec;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class GroupTest {
    @Test
    void writesAreReadBackBeforeAndAfterTheFoldAndARestart() throws Exception {
        Rig rig = new Rig(1).create();
        VolumeInfo volume = rig.addVolume("disk", 3 << 20);
        BlockDevice device = rig.group().openVolume(volume.id());
        byte[] data = rig.bytes(10_000);
        rig.write(device, 5000, data);
        assertThat(rig.read(device, 5000, data.length)).isEqualTo(data);
        rig.scheduler.runFor(3_000_000_000L);
        assertThat(rig.group().counters().folds()).isEqualTo(1);
        assertThat(rig.read(device, 5000, data.length)).isEqualTo(data);
        rig.checkHead();
        rig.killAndOpen();
        rig.checkHead();
    }

    @Test
    void aViewOfACheckpointStaysWhileTheDiskGoesOn() throws Exception {
        Rig rig = new Rig(2).create();
        VolumeInfo volume = rig.addVolume("disk", 1 << 20);
        BlockDevice device = rig.group().openVolume(volume.id());
        for (int i = 0; i < 20; i++) {
            rig.randomWrite(device, 20_000);
        }
        Checkpoint checkpoint = rig.await(rig.group().addCheckpoint("before", "the flood"));
        PointInTimeView view =
                rig.await(rig.group().openView(new PointSpec.AtCheckpoint("before")));
        assertThat(view.point().sequence()).isEqualTo(checkpoint.sequence());
        for (int i = 0; i < 200; i++) {
            rig.randomWrite(device, 20_000);
            if (i % 20 == 0) {
                rig.scheduler.runFor(1_500_000_000L);
                rig.checkView(view);
            }
        }
        rig.checkView(view);
        view.close();
        rig.checkView(checkpoint.sequence());
    }

    @Test
    void anImageKeepsItsWritesToItselfAndOverARestart() throws Exception {
        Rig rig = new Rig(3).create();
        VolumeInfo volume = rig.addVolume("disk", 1 << 20);
        BlockDevice device = rig.group().openVolume(volume.id());
        for (int i = 0; i < 20; i++) {
            rig.randomWrite(device, 20_000);
        }
        Checkpoint checkpoint = rig.await(rig.group().addCheckpoint("start", ""));
        UUID id = new UUID(1, 1);
        Image image =
                rig.await(
                        rig.group()
                                .startImage(id, new PointSpec.AtSequence(checkpoint.sequence())));
        BlockDevice own = image.device(volume.id());
        byte[] before = rig.readAll(own);
        byte[] data = rig.bytes(30_000);
        rig.write(own, 100_000, data);
        System.arraycopy(data, 0, before, 100_000, data.length);
        for (int i = 0; i < 50; i++) {
            rig.randomWrite(device, 20_000);
        }
        rig.scheduler.runFor(5_000_000_000L);
        assertThat(rig.readAll(own)).isEqualTo(before);
        rig.checkHead();
        rig.killAndOpen();
        assertThat(rig.group().images()).hasSize(1);
        Image again = rig.group().images().getFirst();
        assertThat(again.bytesWritten()).isEqualTo(data.length);
        assertThat(rig.readAll(again.device(volume.id()))).isEqualTo(before);
        rig.checkHead();
        assertThat(again.openHandles()).isEqualTo(1);
        rig.await(rig.group().stopImage(id, true));
        assertThat(rig.group().images()).isEmpty();
    }
}
