package dev.tidemark.replica;

import java.util.Map;
import java.util.TreeMap;

/**
 * A set of 4 KiB blocks of a volume, kept as bitmaps of 1 MiB regions: what a promotion has to look
 * at. A superset of the bytes added, whose memory is bounded by the volume's size (about 100 bytes
 * per MiB) and not by the number of changes. Not thread-safe.
 */
final class BlockSet {
    static final int BLOCK_BYTES = 4096;
    private static final int BLOCKS_PER_REGION = 256;

    private final TreeMap<Long, long[]> regions = new TreeMap<>();
    private long blockCount;

    void add(long offsetBytes, long lengthBytes) {
        if (lengthBytes == 0) {
            return;
        }
        long last = (offsetBytes + lengthBytes - 1) / BLOCK_BYTES;
        for (long block = offsetBytes / BLOCK_BYTES; block <= last; block++) {
            long[] bits =
                    regions.computeIfAbsent(
                            block / BLOCKS_PER_REGION, region -> new long[BLOCKS_PER_REGION / 64]);
            int index = (int) (block % BLOCKS_PER_REGION);
            long mask = 1L << (index % 64);
            if ((bits[index / 64] & mask) == 0) {
                bits[index / 64] |= mask;
                blockCount++;
            }
        }
    }

    long bytes() {
        return blockCount * BLOCK_BYTES;
    }

    /**
     * The first block in the set at or after {@code fromBytes}, as a byte offset; -1 when there is
     * none.
     */
    long next(long fromBytes) {
        long block = (fromBytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
        Map.Entry<Long, long[]> entry = regions.ceilingEntry(block / BLOCKS_PER_REGION);
        while (entry != null) {
            long first = entry.getKey() * BLOCKS_PER_REGION;
            for (int i = (int) Math.max(0, block - first); i < BLOCKS_PER_REGION; i++) {
                if ((entry.getValue()[i / 64] & 1L << (i % 64)) != 0) {
                    return (first + i) * BLOCK_BYTES;
                }
            }
            entry = regions.higherEntry(entry.getKey());
        }
        return -1;
    }

    /** Length of the contiguous blocks from a block in the set on, at most {@code limitBytes}. */
    long runBytes(long fromBytes, long limitBytes) {
        long at = fromBytes;
        while (at - fromBytes < limitBytes && next(at) == at) {
            at += BLOCK_BYTES;
        }
        return at - fromBytes;
    }
}
