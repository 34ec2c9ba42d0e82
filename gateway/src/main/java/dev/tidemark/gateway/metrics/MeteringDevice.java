package dev.tidemark.gateway.metrics;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.SharedSpace;
import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.gateway.metrics.RequestMeter.Operation;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * A filter that measures every request and changes none; it may narrow what the device below
 * offers. Thread-safe as the device below.
 */
public final class MeteringDevice implements BlockDevice {
    private final BlockDevice below;
    private final RequestMeter meter;
    private final Features features;

    /**
     * @param features what is offered, no more than the device below does
     */
    public MeteringDevice(BlockDevice below, RequestMeter meter, Features features) {
        this.below = below;
        this.meter = meter;
        this.features = features;
    }

    private final class Measured implements Completion {
        private final Operation operation;
        private final long lengthBytes;
        private final Completion done;
        private final long startedNanos = System.nanoTime();

        Measured(Operation operation, long lengthBytes, Completion done) {
            this.operation = operation;
            this.lengthBytes = lengthBytes;
            this.done = done;
        }

        @Override
        public void succeeded() {
            meter.succeeded(operation, lengthBytes, startedNanos);
            done.succeeded();
        }

        @Override
        public void failed(BlockDeviceException failure) {
            meter.failed(operation, failure.code());
            done.failed(failure);
        }
    }

    private final class MeasuredRead implements ReadCompletion {
        private final int lengthBytes;
        private final ReadCompletion done;
        private final long startedNanos = System.nanoTime();

        MeasuredRead(int lengthBytes, ReadCompletion done) {
            this.lengthBytes = lengthBytes;
            this.done = done;
        }

        @Override
        public void succeeded(ByteBuf data) {
            meter.succeeded(Operation.READ, lengthBytes, startedNanos);
            done.succeeded(data);
        }

        @Override
        public void failed(BlockDeviceException failure) {
            meter.failed(Operation.READ, failure.code());
            done.failed(failure);
        }
    }

    @Override
    public Geometry geometry() {
        return below.geometry();
    }

    @Override
    public Features features() {
        return features;
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        below.read(offsetBytes, lengthBytes, new MeasuredRead(lengthBytes, done));
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        below.write(
                offsetBytes, data, fua, new Measured(Operation.WRITE, data.readableBytes(), done));
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        below.zero(
                offsetBytes,
                lengthBytes,
                deallocate,
                fua,
                new Measured(Operation.ZERO, lengthBytes, done));
    }

    @Override
    public void flush(Completion done) {
        below.flush(new Measured(Operation.FLUSH, 0, done));
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
