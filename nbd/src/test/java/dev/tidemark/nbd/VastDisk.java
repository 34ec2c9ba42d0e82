package dev.tidemark.nbd;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** A disk of zeros, larger than any memory, that remembers what it was last asked. */
final class VastDisk implements BlockDevice {
    private final long sizeBytes;
    volatile String last = "";

    VastDisk(long sizeBytes) {
        this.sizeBytes = sizeBytes;
    }

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(sizeBytes);
    }

    @Override
    public Features features() {
        return Features.LIVE;
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        done.succeeded(ByteBufAllocator.DEFAULT.directBuffer(lengthBytes).writeZero(lengthBytes));
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        done.succeeded();
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        last = (deallocate ? "deallocate " : "keep ") + offsetBytes + "+" + lengthBytes;
        done.succeeded();
    }

    @Override
    public void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        done.succeeded(
                RangeStatus.uniform(offsetBytes, lengthBytes, Allocation.HOLE | Allocation.ZERO));
    }

    @Override
    public void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        last = "warm " + offsetBytes + "+" + lengthBytes;
        done.succeeded();
    }

    @Override
    public void flush(Completion done) {
        done.succeeded();
    }

    @Override
    public void submit() {}

    @Override
    public void close() {}
}
