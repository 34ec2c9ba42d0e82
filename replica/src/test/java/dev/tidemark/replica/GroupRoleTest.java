package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.journal.PointSpec;
import io.netty.buffer.Unpooled;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a group refuses at a site where it is not active, and that it stays so. */
class GroupRoleTest {
    @Test
    void aFencedGroupTakesNoWriteAfterItsLastNumberAndStaysFenced() throws Exception {
        Rig rig = new Rig(1).create();
        VolumeInfo volume = rig.addVolume("disk", 100_000);
        BlockDevice device = rig.group().openVolume(volume.id());
        rig.randomWrite(device, 5_000);
        Outcome staged = new Outcome();
        var fencing = rig.group().fence(1);
        device.write(0, Unpooled.wrappedBuffer(new byte[512]), false, staged);
        device.submit();
        long last = rig.await(fencing);
        assertThat(rig.group().status().durableSequence()).isEqualTo(last);
        staged.expectSuccess(); // It was in time.

        rig.start(device, 0, new byte[512], false).expectFailure(ErrorCode.SHUTDOWN);
        assertThat(rig.group().status().headSequence()).isEqualTo(last);
        rig.checkView(last);

        rig.crashAndOpen();
        assertThat(rig.group().role().state()).isEqualTo(GroupRole.FENCED);
        assertThat(rig.group().role().tenure()).isEqualTo(1);
        assertThatThrownBy(() -> rig.group().openVolume(volume.id()))
                .hasMessageContaining("another site has taken the group over");
        rig.checkView(last);
    }

    /** Each opening begins a segment in which nothing comes. */
    @Test
    void aFencedGroupOpensAsOftenAsPowerIsLost() throws Exception {
        Rig rig = new Rig(5).create();
        VolumeInfo volume = rig.addVolume("disk", 100_000);
        BlockDevice device = rig.group().openVolume(volume.id());
        rig.randomWrite(device, 5_000);
        rig.flush(device);
        rig.crashAndOpen();
        long last = rig.await(rig.group().fence(1));
        for (int i = 0; i < 5; i++) {
            rig.scheduler.runFor(TimeUnit.SECONDS.toNanos(3));
            assertThat(rig.group().status().goldSequence()).isEqualTo(last);
            rig.crashAndOpen();
            rig.checkView(last);
        }
    }

    @Test
    void aSmallerTenureFencesNobody() throws Exception {
        Rig rig = new Rig(2).create();
        VolumeInfo volume = rig.addVolume("disk", 100_000);
        rig.await(rig.group().fence(0));
        assertThat(rig.group().role().state()).isEqualTo(GroupRole.ACTIVE);
        rig.randomWrite(rig.group().openVolume(volume.id()), 5_000);
    }

    @Test
    void aSiteThatIsKeptServesOnInTheTenureThatItClaimedAlsoAfterAPowerLoss() throws Exception {
        Rig rig = new Rig(6).create();
        VolumeInfo volume = rig.addVolume("disk", 100_000);
        BlockDevice device = rig.group().openVolume(volume.id());
        rig.randomWrite(device, 5_000);
        rig.await(rig.group().claim(2));
        rig.randomWrite(device, 5_000);
        rig.flush(device);
        rig.crashAndOpen();
        assertThat(rig.group().role().state()).isEqualTo(GroupRole.ACTIVE);
        assertThat(rig.group().role().tenure()).isEqualTo(2);
        rig.checkView(rig.group().status().headSequence());
    }

    @Test
    void aTenureIsClaimedByTheActiveSiteOnlyAndNeverTwice() throws Exception {
        Rig rig = new Rig(7).create();
        rig.await(rig.group().claim(2));
        assertThatThrownBy(() -> rig.await(rig.group().claim(2)))
                .hasMessageContaining("tenure 2 cannot follow tenure 2");
        rig.await(rig.group().fence(3));
        assertThatThrownBy(() -> rig.await(rig.group().claim(4)))
                .hasMessageContaining("another site has taken the group over");
        assertThat(rig.group().role().state()).isEqualTo(GroupRole.FENCED);
        assertThat(rig.group().role().tenure()).isEqualTo(3);
    }

    @Test
    void aCopyIsNotChangedButByItsFeed() throws Exception {
        Rig source = new Rig(3).create();
        source.addVolume("disk", 100_000);
        Rig rig = new Rig(4);
        SyncImages images = rig.beginCopy();
        images.volume(1, "disk", 100_000);
        images.force();
        StreamPosition begin = new StreamPosition(70, 1_700_000_000_000_000L, 1);
        rig.createStandby(images, new StandbyStart(begin, 0, new UUID(1, 1)), source);
        assertThat(rig.group().status().headSequence()).isEqualTo(70);
        String refusal = "is a copy of one that is active at another site";
        assertThatThrownBy(() -> rig.group().openVolume(1)).hasMessageContaining(refusal);
        assertThatThrownBy(() -> rig.await(rig.group().addVolume("more", 4096)))
                .hasMessageContaining(refusal);
        assertThatThrownBy(() -> rig.await(rig.group().addCheckpoint("tag", "")))
                .hasMessageContaining(refusal);
        assertThatThrownBy(() ->
                        rig.await(rig.group().rollback(new PointSpec.AtSequence(70)).usable()))
                .hasMessageContaining(refusal);
    }
}
