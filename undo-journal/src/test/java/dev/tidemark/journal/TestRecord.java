package dev.tidemark.journal;

import dev.tidemark.blockdevice.BlockDeviceException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A record that remembers how it went. */
final class TestRecord extends PendingRecord {
    int appendedCalls;
    int endedCalls;
    @Nullable BlockDeviceException failedWith;
    boolean veto;
    Runnable whenAppended = () -> {};

    static TestRecord write(int volume, long offsetBytes, ByteBuf payload, boolean force) {
        TestRecord record = new TestRecord();
        record.reset(
                RecordKind.WRITE, 0, volume, offsetBytes, payload.readableBytes(), payload, force);
        return record;
    }

    static TestRecord zero(int volume, long offsetBytes, long lengthBytes) {
        TestRecord record = new TestRecord();
        record.reset(RecordKind.ZERO, 0, volume, offsetBytes, lengthBytes, null, false);
        return record;
    }

    static TestRecord checkpoint() {
        TestRecord record = new TestRecord();
        record.reset(RecordKind.CHECKPOINT, 0, 0, 0, 0, null, false);
        return record;
    }

    static TestRecord checkpoint(String name, String description) {
        TestRecord record = new TestRecord();
        record.reset(
                RecordKind.CHECKPOINT,
                FLAG_TAGGED,
                0,
                0,
                0,
                Checkpoint.payload(name, description),
                true);
        return record;
    }

    static TestRecord promote() {
        TestRecord record = new TestRecord();
        record.reset(RecordKind.PROMOTE, 0, 0, 0, 0, null, true);
        return record;
    }

    static ByteBuf bytes(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return Unpooled.wrappedBuffer(bytes);
    }

    boolean succeeded() {
        return endedCalls == 1 && failedWith == null;
    }

    @Override
    protected boolean prepare() {
        return !veto;
    }

    @Override
    protected void appended() {
        appendedCalls++;
        whenAppended.run();
    }

    @Override
    protected void completed() {
        endedCalls++;
    }

    @Override
    protected void failed(BlockDeviceException failure) {
        endedCalls++;
        failedWith = failure;
    }
}
