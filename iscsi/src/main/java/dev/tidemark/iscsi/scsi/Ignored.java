package dev.tidemark.iscsi.scsi;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;

/** The end of something whose command was answered when it began, however it ends. */
record Ignored(UnitHandle unit) implements Completion {
    @Override
    public void succeeded() {
        unit.done();
    }

    @Override
    public void failed(BlockDeviceException failure) {
        unit.done(); // the hint was of no use
    }
}
