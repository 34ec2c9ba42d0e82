package dev.tidemark.replica.link;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Compression of a link's DATA bodies with zstd, both ways. Every body is tried, since zstd passes
 * over noise more than ten times as fast as it compresses text; one that does not shrink to 95 %
 * goes as it is.
 *
 * <p>The level follows what is scarce. It rises step by step where what was compressed waits for
 * the wire, or for a limit, for more than twice the time that compressing it took; where it waits
 * for less than half of that, the processor is what holds the link up, and it falls.
 *
 * <p>zstd's contexts are made at the first use and kept: 0.4 MiB of native memory at level 1, 3 MiB
 * at level 6, until {@link #close} or the collector. Not thread-safe.
 */
final class Compression implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final int LOWEST_LEVEL = 1;
    private static final int HIGHEST_LEVEL = 6;

    /** So many compressed bodies decide about a step. */
    private static final int STEP_BODIES = 16;

    private static final int SMALLEST_BYTES = 256;

    /** What the collector must not leave behind. */
    private static final class Contexts implements Runnable {
        private @Nullable ZstdCompressCtx compressing;
        private @Nullable ZstdDecompressCtx decompressing;

        ZstdCompressCtx compressing() {
            ZstdCompressCtx known = compressing;
            if (known == null) {
                known = new ZstdCompressCtx();
                compressing = known;
            }
            return known;
        }

        ZstdDecompressCtx decompressing() {
            ZstdDecompressCtx known = decompressing;
            if (known == null) {
                known = new ZstdDecompressCtx();
                decompressing = known;
            }
            return known;
        }

        @Override
        public void run() {
            if (compressing != null) {
                compressing.close();
            }
            if (decompressing != null) {
                decompressing.close();
            }
        }
    }

    private final LongSupplier nanoTime;
    private final Contexts contexts = new Contexts();
    private final Cleaner.Cleanable cleanable = CLEANER.register(this, contexts);
    private int level = LOWEST_LEVEL;
    private int bodies;
    private long workedNanos;
    private long waitedNanos;

    /** Since when the next body waits, and whether it does. */
    private long waitingSince;

    private boolean waiting;
    private boolean lastShrank;

    Compression(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    int level() {
        return level;
    }

    /** What is to be sent next has to wait for the wire, or for a limit. */
    void waits() {
        if (!waiting) {
            waiting = true;
            waitingSince = nanoTime.getAsLong();
        }
    }

    /**
     * Counts what followed a body that was compressed. What did not shrink does not count: nothing
     * is gained on it at any level.
     */
    private void adapt(long now) {
        boolean counts = lastShrank;
        long waited = waiting ? now - waitingSince : 0;
        waiting = false;
        lastShrank = false;
        if (!counts) {
            return;
        }
        waitedNanos += waited;
        bodies++;
        if (bodies == STEP_BODIES) {
            if (waitedNanos > 2 * workedNanos) {
                level = Math.min(level + 1, HIGHEST_LEVEL);
            } else if (waitedNanos < workedNanos / 2) {
                level = Math.max(level - 1, LOWEST_LEVEL);
            }
            bodies = 0;
            workedNanos = 0;
            waitedNanos = 0;
        }
    }

    /** The compressed body, or null when it is better sent as it is. {@code raw} stays as it is. */
    @Nullable ByteBuf compress(ByteBufAllocator allocator, ByteBuf raw) {
        long begin = nanoTime.getAsLong();
        adapt(begin);
        int bytes = raw.readableBytes();
        if (bytes < SMALLEST_BYTES) {
            return null;
        }
        // No room for more: zstd gives up when it does not shrink to that.
        int most = (int) (bytes * 95L / 100);
        ByteBuf to = allocator.directBuffer(most, most);
        ByteBuf from = direct(allocator, raw);
        try {
            ByteBuffer target = to.nioBuffer(0, most);
            ByteBuffer source = from.nioBuffer();
            int length =
                    contexts.compressing()
                            .setLevel(level)
                            .compressDirectByteBuffer(
                                    target, 0, most, source, source.position(), bytes);
            lastShrank = true;
            workedNanos += nanoTime.getAsLong() - begin;
            return to.writerIndex(length).retain();
        } catch (ZstdException tooLong) {
            return null;
        } finally {
            from.release();
            to.release();
        }
    }

    /**
     * The raw body, of exactly {@code rawBytes}, which the caller has bounded; null when the
     * compressed one is not that.
     */
    @Nullable ByteBuf decompress(ByteBufAllocator allocator, ByteBuf compressed, int rawBytes) {
        ByteBuf to = allocator.directBuffer(Math.max(1, rawBytes));
        ByteBuf from = direct(allocator, compressed);
        try {
            ByteBuffer target = to.nioBuffer(0, rawBytes);
            ByteBuffer source = from.nioBuffer();
            int length =
                    contexts.decompressing()
                            .decompressDirectByteBuffer(
                                    target,
                                    0,
                                    rawBytes,
                                    source,
                                    source.position(),
                                    source.remaining());
            return length == rawBytes ? to.writerIndex(rawBytes).retain() : null;
        } catch (ZstdException malformed) {
            return null;
        } finally {
            from.release();
            to.release();
        }
    }

    /** The same bytes in one direct buffer; the caller releases it. */
    private static ByteBuf direct(ByteBufAllocator allocator, ByteBuf buffer) {
        if (buffer.isDirect() && buffer.nioBufferCount() == 1) {
            return buffer.retainedSlice();
        }
        int bytes = buffer.readableBytes();
        return allocator
                .directBuffer(Math.max(1, bytes))
                .writeBytes(buffer, buffer.readerIndex(), bytes);
    }

    @Override
    public void close() {
        cleanable.clean();
    }
}
