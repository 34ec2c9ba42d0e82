package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.BlockDeviceContract;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** The live disk on real files and threads. */
class LiveDeviceOnFilesTest extends BlockDeviceContract {
    @TempDir Path folder;

    @SuppressWarnings("NullAway.Init") // made with the device
    private RealDisk disk;

    @Override
    protected BlockDevice newDevice() throws Exception {
        disk = new RealDisk(folder.resolve("group"), true, Rules.SAFE);
        VolumeInfo volume = disk.group.addVolume("disk", SIZE_BYTES).get(30, TimeUnit.SECONDS);
        return disk.group.openVolume(volume.id());
    }

    @Override
    protected boolean grow(long sizeBytes) throws Exception {
        disk.group.resizeVolume(1, sizeBytes).get(30, TimeUnit.SECONDS);
        return true;
    }

    @AfterEach
    void close() {
        disk.close();
    }
}
