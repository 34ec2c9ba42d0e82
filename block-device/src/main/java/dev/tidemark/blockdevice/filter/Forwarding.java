package dev.tidemark.blockdevice.filter;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.SharedSpace;
import dev.tidemark.blockdevice.StatusCompletion;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * A filter that changes nothing: the base of those that change something. Thread-safe as the device
 * below.
 */
abstract class Forwarding implements BlockDevice {
    private final BlockDevice below;

    Forwarding(BlockDevice below) {
        this.below = below;
    }

    final BlockDevice below() {
        return below;
    }

    @Override
    public Geometry geometry() {
        return below.geometry();
    }

    @Override
    public Features features() {
        return below.features();
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        below.read(offsetBytes, lengthBytes, done);
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        below.write(offsetBytes, data, fua, done);
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        below.zero(offsetBytes, lengthBytes, deallocate, fua, done);
    }

    @Override
    public void flush(Completion done) {
        below.flush(done);
    }

    @Override
    public void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        below.allocation(offsetBytes, lengthBytes, maximumCount, done);
    }

    @Override
    public void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        below.prefetch(offsetBytes, lengthBytes, done);
    }

    @Override
    public @Nullable SharedSpace sharedSpace() {
        return below.sharedSpace();
    }

    @Override
    public void submit() {
        below.submit();
    }

    @Override
    public void close() {
        below.close();
    }
}
