package dev.tidemark.replica.link;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Compression of DATA bodies with zstd. A body that does not shrink to 95 % goes as it is, and so
 * do the next 15; then another is tried. The level follows what is scarce: where bodies wait for
 * the wire, or for a limit, it rises step by step; where they do not, the processor is what they
 * wait for, and it falls. Not thread-safe.
 */
final class Compression {
    private static final int LOWEST_LEVEL = 1;
    private static final int HIGHEST_LEVEL = 6;

    /** So many bodies decide about a step. */
    private static final int STEP_BODIES = 16;

    private static final int SMALLEST_BYTES = 256;
    private static final int SKIPPED_AFTER_A_MISS = 15;

    private int skip;
    private int level = LOWEST_LEVEL;
    private int bodies;
    private int waits;

    /** What was to be sent had to wait for the wire. */
    void waited() {
        waits++;
    }

    int level() {
        return level;
    }

    private void adapt() {
        bodies++;
        if (bodies == STEP_BODIES) {
            if (waits >= STEP_BODIES / 2) {
                level = Math.min(level + 1, HIGHEST_LEVEL);
            } else if (waits <= STEP_BODIES / 8) {
                level = Math.max(level - 1, LOWEST_LEVEL);
            }
            bodies = 0;
            waits = 0;
        }
    }

    /** The compressed body, or null when it is better sent as it is. {@code raw} stays as it is. */
    @Nullable ByteBuf compress(ByteBufAllocator allocator, ByteBuf raw) {
        int bytes = raw.readableBytes();
        if (bytes < SMALLEST_BYTES) {
            return null;
        }
        adapt();
        if (skip > 0) {
            skip--;
            return null;
        }
        ByteBuf to = allocator.directBuffer((int) Zstd.compressBound(bytes));
        ByteBuf from = direct(allocator, raw);
        try {
            ByteBuffer target = to.nioBuffer(0, to.capacity());
            ByteBuffer source = from.nioBuffer();
            long length =
                    Zstd.compressDirectByteBuffer(
                            target, 0, target.capacity(), source, source.position(), bytes, level);
            if (!Zstd.isError(length) && length <= bytes * 95L / 100) {
                return to.writerIndex((int) length).retain();
            }
            skip = SKIPPED_AFTER_A_MISS;
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
    static @Nullable ByteBuf decompress(
            ByteBufAllocator allocator, ByteBuf compressed, int rawBytes) {
        ByteBuf to = allocator.directBuffer(Math.max(1, rawBytes));
        ByteBuf from = direct(allocator, compressed);
        try {
            ByteBuffer target = to.nioBuffer(0, rawBytes);
            ByteBuffer source = from.nioBuffer();
            long length =
                    Zstd.decompressDirectByteBuffer(
                            target, 0, rawBytes, source, source.position(), source.remaining());
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
}
