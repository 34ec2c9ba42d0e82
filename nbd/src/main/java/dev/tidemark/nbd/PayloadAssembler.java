package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * Collects one write's payload from the buffers that the socket was read into.
 *
 * <p>A payload that came in one read is a slice of it; one spread over several is a composite of
 * slices: nothing is copied. A client that dribbles its payload would make us keep a receive buffer
 * for every few bytes; after {@value #MAXIMUM_PIECES} pieces everything is copied into one buffer
 * of the payload's size, so that memory stays in proportion to the payload.
 */
final class PayloadAssembler {
    static final int MAXIMUM_PIECES = 256;

    private final ByteBufAllocator allocator;
    private int missingBytes;
    private @Nullable CompositeByteBuf pieces;
    private @Nullable ByteBuf copy;

    PayloadAssembler(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    void start(int lengthBytes) {
        assert missingBytes == 0 && lengthBytes > 0;
        missingBytes = lengthBytes;
    }

    /** Takes what belongs to the payload; returns all of it, the caller's, once it is complete. */
    @Nullable ByteBuf take(ByteBuf in) {
        int takenBytes = Math.min(missingBytes, in.readableBytes());
        missingBytes -= takenBytes;
        ByteBuf copied = copy;
        CompositeByteBuf collected = pieces;
        if (copied != null) {
            copied.writeBytes(in, takenBytes);
        } else if (collected != null) {
            append(collected, in, takenBytes);
        } else if (missingBytes == 0) {
            return in.readRetainedSlice(takenBytes);
        } else if (takenBytes > 0) {
            pieces = allocator.compositeDirectBuffer(MAXIMUM_PIECES);
            pieces.addComponent(true, in.readRetainedSlice(takenBytes));
        }
        return missingBytes == 0 ? handOver() : null;
    }

    private void append(CompositeByteBuf collected, ByteBuf in, int takenBytes) {
        if (takenBytes == 0) {
            return;
        }
        if (collected.numComponents() < MAXIMUM_PIECES) {
            collected.addComponent(true, in.readRetainedSlice(takenBytes));
            return;
        }
        ByteBuf whole =
                allocator.directBuffer(collected.readableBytes() + takenBytes + missingBytes);
        whole.writeBytes(collected).writeBytes(in, takenBytes);
        collected.release();
        pieces = null;
        copy = whole;
    }

    private @Nullable ByteBuf handOver() {
        ByteBuf whole = copy != null ? copy : pieces;
        copy = null;
        pieces = null;
        return whole;
    }

    /** Forgets a payload that will never be complete. */
    void discard() {
        missingBytes = 0;
        ByteBuf unfinished = handOver();
        if (unfinished != null) {
            unfinished.release();
        }
    }
}
