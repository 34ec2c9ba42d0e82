package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.Executor;

/** A read-only handle of a volume at a point. */
final class ViewDevice implements BlockDevice {
    private final Source source;
    private final PointVolume volume;
    private final Meters meters;
    private final Executor io;
    private volatile boolean closed;

    ViewDevice(Source source, PointVolume volume, Meters meters, Executor io) {
        this.source = source;
        this.volume = volume;
        this.meters = meters;
        this.io = io;
    }

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(volume.sizeBytes());
    }

    @Override
    public Features features() {
        return Features.READ_ONLY;
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        if (closed) {
            done.failed(Failures.closed("this handle of a view of volume " + volume.name()));
            return;
        }
        assert offsetBytes >= 0 && lengthBytes <= volume.sizeBytes() - offsetBytes;
        meters.viewReads.increment();
        meters.viewReadBytes.add(lengthBytes);
        SourceRead.start(source, volume.id(), offsetBytes, lengthBytes, io, done);
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        refuse(done);
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        refuse(done);
    }

    private void refuse(Completion done) {
        if (closed) {
            done.failed(Failures.closed("this handle of a view of volume " + volume.name()));
        } else {
            done.failed(
                    new BlockDeviceException(
                            ErrorCode.READ_ONLY,
                            "a view of volume " + volume.name() + " is read-only"));
        }
    }

    /** There is never anything to make durable. */
    @Override
    public void flush(Completion done) {
        if (closed) {
            done.failed(Failures.closed("this handle of a view of volume " + volume.name()));
        } else {
            done.succeeded();
        }
    }

    @Override
    public void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        if (closed) {
            done.failed(Failures.closed("this handle of a view of volume " + volume.name()));
            return;
        }
        StatusRequest.start(
                (offset, length, limit, into) ->
                        source.allocation(volume.id(), offset, length, limit, into),
                offsetBytes,
                lengthBytes,
                maximumCount,
                io,
                done);
    }

    @Override
    public void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        if (closed) {
            done.failed(Failures.closed("this handle of a view of volume " + volume.name()));
        } else {
            Prefetch.start(source, volume.id(), offsetBytes, lengthBytes, io, done);
        }
    }

    @Override
    public void submit() {
        // Reads start at once.
    }

    @Override
    public void close() {
        closed = true;
    }
}
