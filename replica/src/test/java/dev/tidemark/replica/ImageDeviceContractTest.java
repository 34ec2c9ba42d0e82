package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.BlockDeviceContract;
import dev.tidemark.journal.PointSpec;
import java.util.Optional;
import java.util.UUID;

/** A recovery test's disk on the simulated disk. */
class ImageDeviceContractTest extends BlockDeviceContract {
    private final Rig rig = new Rig(2);

    @Override
    protected BlockDevice newDevice() throws Exception {
        rig.options = rig.options.withUnitBytes(4 << 20);
        rig.create();
        int volume = rig.addVolume("disk", SIZE_BYTES).id();
        Image image = rig.await(rig.group().startImage(new UUID(0, 1), new PointSpec.Latest()));
        return image.device(volume);
    }

    @Override
    protected void settle() {
        rig.scheduler.runFor(300_000_000L);
    }

    @Override
    protected Optional<BlockDevice> reopenAfterPowerLoss() throws Exception {
        rig.crashAndOpen();
        return Optional.of(rig.group().images().getFirst().device(1));
    }
}
