package dev.tidemark.journal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Verified index blocks of all groups of a gateway, bounded by bytes. Thread-safe; starts no
 * thread.
 */
public final class IndexCache {
    private static final int OVERHEAD_BYTES = 128;

    private record Key(long log, long location) {
        // The record's own hash multiplies by 31 only: neighbouring positions would collide with
        // neighbouring segments.
        @Override
        public int hashCode() {
            return Long.hashCode((location ^ (log << 48)) * 0x9E37_79B9_7F4A_7C15L);
        }
    }

    private final long maximumBytes;
    private final AtomicLong logs = new AtomicLong();
    private final Cache<Key, IndexBlock> blocks;

    /**
     * @param maximumBytes heap that the blocks may take, 1 MiB or more
     */
    public IndexCache(long maximumBytes) {
        if (maximumBytes < 1 << 20) {
            throw new IllegalArgumentException(
                    "index cache of " + maximumBytes + " bytes is below the minimum of 1048576");
        }
        this.maximumBytes = maximumBytes;
        blocks =
                Caffeine.newBuilder()
                        .maximumWeight(maximumBytes)
                        .weigher((Key key, IndexBlock block) -> block.bytes.length + OVERHEAD_BYTES)
                        .executor(Runnable::run)
                        .build();
    }

    public long maximumBytes() {
        return maximumBytes;
    }

    /**
     * A number no other undo log using this cache has: a group that is opened again must not see
     * blocks of its former self.
     */
    long register() {
        return logs.incrementAndGet();
    }

    @Nullable IndexBlock get(long log, long location) {
        return blocks.getIfPresent(new Key(log, location));
    }

    void put(long log, long location, IndexBlock block) {
        blocks.put(new Key(log, location), block);
    }

    /** Forgets everything, as if memory had been short. */
    void clear() {
        blocks.invalidateAll();
        blocks.cleanUp();
    }

    /** Heap taken now, in bytes. */
    public long weightBytes() {
        blocks.cleanUp();
        return blocks.policy().eviction().orElseThrow().weightedSize().orElse(0);
    }
}
