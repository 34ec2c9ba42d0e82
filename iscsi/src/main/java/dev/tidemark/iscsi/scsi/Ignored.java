package dev.tidemark.iscsi.scsi;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;

/** The end of something that nobody waits for. */
enum Ignored implements Completion {
    INSTANCE;

    @Override
    public void succeeded() {
        // as expected
    }

    @Override
    public void failed(BlockDeviceException failure) {
        // the hint was of no use
    }
}
