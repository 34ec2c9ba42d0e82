package dev.tidemark.blockdevice.filter;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.Features;
import io.netty.buffer.ByteBuf;

/**
 * A device whose writes and zeroes fail with {@link ErrorCode#READ_ONLY}; flushes succeed, as there
 * is nothing to write.
 */
public final class ReadOnlyDevice extends Forwarding {
    public ReadOnlyDevice(BlockDevice below) {
        super(below);
    }

    @Override
    public Features features() {
        Features features = below().features();
        return new Features(true, features.sharedHandles(), features.rotational());
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        done.failed(refusal("write"));
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        done.failed(refusal(deallocate ? "trim" : "zero"));
    }

    static BlockDeviceException refusal(String operation) {
        return new BlockDeviceException(
                ErrorCode.READ_ONLY, operation + " refused: the device is read-only");
    }
}
