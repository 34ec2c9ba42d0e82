package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A write, zero or flush as the simulated host asked for it, and how it ended. */
final class HostOperation implements Completion {
    final int volume;
    final long offsetBytes;
    final long lengthBytes;

    /** Null for a zero or a flush. */
    final byte @Nullable [] data;

    final boolean durable;
    private final @Nullable ByteBuf buffer;
    private final Runnable ended;
    private boolean succeeded;
    private @Nullable BlockDeviceException failure;

    /** The record that carries it; 0 until one was seen. */
    long sequence;

    HostOperation(
            int volume,
            long offsetBytes,
            long lengthBytes,
            byte @Nullable [] data,
            boolean durable,
            Runnable ended) {
        this.volume = volume;
        this.offsetBytes = offsetBytes;
        this.lengthBytes = lengthBytes;
        this.data = data;
        this.durable = durable;
        this.buffer = data == null ? null : direct(data);
        this.ended = ended;
    }

    /** Not watched by the leak detector: a simulated process dies with its buffers. */
    private static ByteBuf direct(byte[] data) {
        return Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(data.length).put(data).flip());
    }

    ByteBuf buffer() {
        if (buffer == null) {
            throw new IllegalStateException("no payload");
        }
        return buffer;
    }

    boolean isDone() {
        return succeeded || failure != null;
    }

    boolean isAcknowledged() {
        return succeeded;
    }

    @Nullable BlockDeviceException failure() {
        return failure;
    }

    @Override
    public void succeeded() {
        end();
        succeeded = true;
        ended.run();
    }

    @Override
    public void failed(BlockDeviceException cause) {
        end();
        failure = cause;
        ended.run();
    }

    private void end() {
        if (isDone()) {
            throw new AssertionError("a request ended twice");
        }
        if (buffer != null) {
            buffer.release();
        }
    }
}
