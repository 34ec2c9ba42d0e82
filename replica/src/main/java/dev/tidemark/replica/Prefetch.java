package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Brings a range into memory by reading it, a piece per task on the I/O executor, so that reads of
 * others come between. What makes a later read wait is warmed with it: index blocks, before-images,
 * gold. Ends early past {@link #MAXIMUM_BYTES} and at the first failure: whoever reads there hears
 * of it.
 */
final class Prefetch implements Runnable {
    /** More than this would only push out what was brought in first. */
    private static final long MAXIMUM_BYTES = 64 << 20;

    private static final int PIECE_BYTES = 256 << 10;

    private final Source source;
    private final int volume;
    private final Executor io;
    private final Completion done;
    private final long endBytes;
    private long atBytes;

    private Prefetch(
            Source source,
            int volume,
            long offsetBytes,
            long lengthBytes,
            Executor io,
            Completion done) {
        this.source = source;
        this.volume = volume;
        this.io = io;
        this.done = done;
        this.atBytes = offsetBytes;
        this.endBytes = offsetBytes + Math.min(lengthBytes, MAXIMUM_BYTES);
    }

    static void start(
            Source source,
            int volume,
            long offsetBytes,
            long lengthBytes,
            Executor io,
            Completion done) {
        if (lengthBytes == 0) {
            done.succeeded();
        } else {
            new Prefetch(source, volume, offsetBytes, lengthBytes, io, done).resume();
        }
    }

    private void resume() {
        try {
            io.execute(this);
        } catch (RejectedExecutionException stopped) {
            done.failed(Failures.closed("the gateway"));
        }
    }

    @Override
    public void run() {
        if (readPiece() && atBytes < endBytes) {
            resume();
        } else {
            done.succeeded();
        }
    }

    private boolean readPiece() {
        int length = (int) Math.min(PIECE_BYTES, endBytes - atBytes);
        ByteBuf piece = PooledByteBufAllocator.DEFAULT.directBuffer(length, length);
        try {
            source.read(volume, atBytes, piece.nioBuffer(0, length), false);
            atBytes += length;
            return true;
        } catch (BlockDeviceException unreadable) {
            return false;
        } finally {
            piece.release();
        }
    }
}
