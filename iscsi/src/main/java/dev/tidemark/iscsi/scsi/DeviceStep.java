package dev.tidemark.iscsi.scsi;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ReadCompletion;
import io.netty.buffer.ByteBuf;

/**
 * Glue between a device's completions and a command: a failure ends the command, success goes on.
 */
final class DeviceStep {
    private DeviceStep() {}

    /** What follows a success; an error ends the command. */
    @FunctionalInterface
    interface Next {
        void run() throws ScsiError;
    }

    /** What follows a read; takes the buffer over. */
    @FunctionalInterface
    interface NextWithData {
        void run(ByteBuf data) throws ScsiError;
    }

    static Completion then(Execution execution, Next next) {
        return new Completion() {
            @Override
            public void succeeded() {
                try {
                    next.run();
                } catch (ScsiError e) {
                    execution.failed(e);
                }
            }

            @Override
            public void failed(BlockDeviceException failure) {
                execution.failed(ScsiError.of(failure, false));
            }
        };
    }

    static ReadCompletion thenRead(Execution execution, NextWithData next) {
        return new ReadCompletion() {
            @Override
            public void succeeded(ByteBuf data) {
                try {
                    next.run(data);
                } catch (ScsiError e) {
                    execution.failed(e);
                }
            }

            @Override
            public void failed(BlockDeviceException failure) {
                execution.failed(ScsiError.of(failure, true));
            }
        };
    }
}
