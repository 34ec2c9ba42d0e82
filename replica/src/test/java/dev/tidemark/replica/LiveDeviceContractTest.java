package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.BlockDeviceContract;
import java.util.Optional;

/** The live disk on the simulated disk. */
class LiveDeviceContractTest extends BlockDeviceContract {
    private final Rig rig = new Rig(1);
    private int volume;

    @Override
    protected BlockDevice newDevice() throws Exception {
        rig.options = rig.options.withUnitBytes(4 << 20);
        rig.create();
        volume = rig.addVolume("disk", SIZE_BYTES).id();
        return rig.group().openVolume(volume);
    }

    @Override
    protected void settle() {
        rig.scheduler.runFor(300_000_000L);
    }

    @Override
    protected Optional<BlockDevice> reopenAfterPowerLoss() throws Exception {
        rig.crashAndOpen();
        return Optional.of(rig.group().openVolume(volume));
    }

    @Override
    protected boolean grow(long sizeBytes) throws Exception {
        rig.await(rig.group().resizeVolume(volume, sizeBytes));
        return true;
    }
}
