package dev.tidemark.iscsi;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;

/** An allocator that knows what is held, and at most was held, at a time. For one thread. */
final class FuzzAllocator extends AbstractByteBufAllocator {
    private final UnpooledByteBufAllocator below = new UnpooledByteBufAllocator(true, true);
    private long peakBytes;

    FuzzAllocator() {
        super(true);
    }

    /** Bytes of buffers that nobody has released. */
    long heldBytes() {
        return below.metric().usedDirectMemory() + below.metric().usedHeapMemory();
    }

    /** The most that was held when a buffer was made. */
    long peakBytes() {
        return peakBytes;
    }

    private ByteBuf noted(ByteBuf made) {
        peakBytes = Math.max(peakBytes, heldBytes());
        return made;
    }

    @Override
    protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
        return noted(below.heapBuffer(initialCapacity, maxCapacity));
    }

    @Override
    protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
        return noted(below.directBuffer(initialCapacity, maxCapacity));
    }

    @Override
    public boolean isDirectBufferPooled() {
        return false;
    }
}
