package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.RecordKind;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;

/** A read-write handle of a volume of a running image. */
final class ImageDevice implements BlockDevice {
    private final ImageDisk image;
    private final PointVolume volume;
    private final Executor io;
    private final int maximumBytes;
    private final AtomicBoolean closed = new AtomicBoolean();

    ImageDevice(ImageDisk image, PointVolume volume, Executor io) {
        this.image = image;
        this.volume = volume;
        this.io = io;
        this.maximumBytes = LiveDevice.maximumBytes(image.log().maximumPayloadBytes());
        image.handles().incrementAndGet();
    }

    @Override
    public Geometry geometry() {
        return new Geometry(volume.sizeBytes(), 1, 4096, maximumBytes);
    }

    @Override
    public Features features() {
        return Features.LIVE;
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        if (closed.get()) {
            done.failed(Failures.closed("this handle of image " + image.id()));
            return;
        }
        assert inRange(offsetBytes, lengthBytes);
        image.meters().viewReads.increment();
        image.meters().viewReadBytes.add(lengthBytes);
        SourceRead.start(image, volume.id(), offsetBytes, lengthBytes, io, done);
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        int length = data.readableBytes();
        assert inRange(offsetBytes, length) && length <= maximumBytes;
        if (!ended(length == 0, done)) {
            int flags = fua ? PendingRecord.FLAG_FUA : 0;
            image.stage(RecordKind.WRITE, flags, volume.id(), offsetBytes, length, data, fua, done);
        }
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        assert inRange(offsetBytes, lengthBytes);
        if (!ended(lengthBytes == 0, done)) {
            int flags =
                    (fua ? PendingRecord.FLAG_FUA : 0)
                            | (deallocate ? PendingRecord.FLAG_DEALLOCATE : 0);
            image.stage(
                    RecordKind.ZERO, flags, volume.id(), offsetBytes, lengthBytes, null, fua, done);
        }
    }

    @Override
    public void flush(Completion done) {
        if (!ended(false, done)) {
            image.force(done);
        }
    }

    @Override
    public void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        if (closed.get()) {
            done.failed(Failures.closed("this handle of image " + image.id()));
            return;
        }
        StatusRequest.start(
                (offset, length, limit, into) ->
                        image.allocation(volume.id(), offset, length, limit, into),
                offsetBytes,
                lengthBytes,
                maximumCount,
                io,
                done);
    }

    @Override
    public void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        if (closed.get()) {
            done.failed(Failures.closed("this handle of image " + image.id()));
        } else {
            Prefetch.start(image, volume.id(), offsetBytes, lengthBytes, io, done);
        }
    }

    @Override
    public void submit() {
        if (!image.isClosed()) {
            image.log().submit();
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            image.handles().decrementAndGet();
        }
    }

    private boolean inRange(long offsetBytes, long lengthBytes) {
        return offsetBytes >= 0
                && lengthBytes >= 0
                && lengthBytes <= volume.sizeBytes() - offsetBytes;
    }

    private boolean ended(boolean empty, Completion done) {
        if (closed.get()) {
            done.failed(Failures.closed("this handle of image " + image.id()));
            return true;
        }
        if (empty) {
            done.succeeded();
        }
        return empty;
    }
}
