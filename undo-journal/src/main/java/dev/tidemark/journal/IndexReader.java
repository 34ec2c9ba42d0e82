package dev.tidemark.journal;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Brings index blocks into memory and verifies them. Thread-safe. */
final class IndexReader {
    /** How far a read may go. */
    enum Reach {
        /** Waits for the disk; what was read is kept in the cache. */
        DISK,
        /** As DISK, but leaves the cache as it is: for passes over everything. */
        PASSING,
        /** Only what is in memory, or {@link WouldBlock}. */
        MEMORY
    }

    /** A block is not in memory. Carries nothing, costs nothing to throw. */
    static final class WouldBlock extends RuntimeException {
        private static final long serialVersionUID = 1;

        // Without stack trace and suppressed exceptions there is nothing in it that could go wrong
        // by sharing.
        @SuppressWarnings("StaticAssignmentOfThrowable")
        static final WouldBlock INSTANCE = new WouldBlock();

        private WouldBlock() {
            super("a block is not in memory", null, false, false);
        }
    }

    private final UndoSegments segments;
    private final IndexCache cache;
    private final long log;

    IndexReader(UndoSegments segments, IndexCache cache) {
        this.segments = segments;
        this.cache = cache;
        this.log = cache.register();
    }

    IndexBlock read(long location, int lengthBytes, int level, long firstRun, Reach reach)
            throws JournalException {
        IndexBlock cached = cache.get(log, location);
        if (cached != null) {
            return cached;
        }
        byte[] bytes = new byte[lengthBytes];
        int segment = IndexFormat.segmentOf(location);
        int position = IndexFormat.positionOf(location);
        if (!segments.read(segment, position, ByteBuffer.wrap(bytes), reach == Reach.MEMORY)) {
            throw WouldBlock.INSTANCE;
        }
        @Nullable IndexBlock block = IndexBlock.verified(bytes, location, level, firstRun);
        if (block == null) {
            throw segments.corrupt(
                    segment,
                    position,
                    "index block of "
                            + lengthBytes
                            + " bytes for the span of level "
                            + level
                            + " from run "
                            + firstRun
                            + " does not match its checksum or its place");
        }
        if (reach != Reach.PASSING) {
            cache.put(log, location, block);
        }
        return block;
    }
}
