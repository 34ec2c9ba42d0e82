package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ReadCompletion;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * One read of a device: tried on the caller's thread with what is in memory, moved as a whole to
 * the I/O executor when that is not enough.
 */
final class SourceRead implements Runnable {
    private final Source source;
    private final int volume;
    private final long offsetBytes;
    private final int lengthBytes;
    private final ReadCompletion done;
    private final ByteBuf buffer;

    private SourceRead(
            Source source, int volume, long offsetBytes, int lengthBytes, ReadCompletion done) {
        this.source = source;
        this.volume = volume;
        this.offsetBytes = offsetBytes;
        this.lengthBytes = lengthBytes;
        this.done = done;
        this.buffer = PooledByteBufAllocator.DEFAULT.directBuffer(lengthBytes, lengthBytes);
    }

    static void start(
            Source source,
            int volume,
            long offsetBytes,
            int lengthBytes,
            Executor io,
            ReadCompletion done) {
        SourceRead read = new SourceRead(source, volume, offsetBytes, lengthBytes, done);
        if (!read.attempt(true)) {
            try {
                io.execute(read);
            } catch (RejectedExecutionException stopped) {
                read.fail(Failures.closed("the gateway"));
            }
        }
    }

    @Override
    public void run() {
        boolean ended = attempt(false);
        assert ended : "a read that may wait did not end";
    }

    /** Returns false when the read would have to wait. */
    private boolean attempt(boolean cachedOnly) {
        boolean complete;
        try {
            complete =
                    source.read(volume, offsetBytes, buffer.nioBuffer(0, lengthBytes), cachedOnly);
        } catch (BlockDeviceException failure) {
            fail(failure);
            return true;
        } catch (RuntimeException | Error bug) {
            buffer.release();
            throw bug;
        }
        if (complete) {
            buffer.writerIndex(lengthBytes);
            done.succeeded(buffer);
        }
        return complete;
    }

    private void fail(BlockDeviceException failure) {
        buffer.release();
        done.failed(failure);
    }
}
