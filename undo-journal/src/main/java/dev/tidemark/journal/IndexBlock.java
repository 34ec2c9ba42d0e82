package dev.tidemark.journal;

import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A verified index block in memory: sorted entries (height 0) or fences to the blocks below.
 * Immutable.
 */
final class IndexBlock {
    final byte[] bytes;
    final int count;
    final int height;

    private IndexBlock(byte[] bytes) {
        this.bytes = bytes;
        this.count = IndexFormat.getShort(bytes, IndexFormat.COUNT_AT);
        this.height = bytes[IndexFormat.HEIGHT_AT];
    }

    /** The checksum a block of this content must carry. */
    static int checksum(byte[] bytes, int lengthBytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, IndexFormat.SEGMENT_AT, lengthBytes - IndexFormat.SEGMENT_AT);
        return (int) crc.getValue();
    }

    /**
     * The block in {@code bytes}, or null when it is not the intact block of that place and span.
     */
    static @Nullable IndexBlock verified(byte[] bytes, long location, int level, long firstRun) {
        boolean right =
                bytes.length >= IndexFormat.HEADER_BYTES
                        && IndexFormat.getInt(bytes, IndexFormat.MAGIC_AT) == IndexFormat.MAGIC
                        && IndexFormat.getInt(bytes, IndexFormat.CRC_AT)
                                == checksum(bytes, bytes.length)
                        && IndexFormat.getInt(bytes, IndexFormat.SEGMENT_AT)
                                == IndexFormat.segmentOf(location)
                        && IndexFormat.getInt(bytes, IndexFormat.POSITION_AT)
                                == IndexFormat.positionOf(location)
                        && IndexFormat.getLong(bytes, IndexFormat.FIRST_RUN_AT) == firstRun
                        && IndexFormat.getInt(bytes, IndexFormat.LENGTH_AT) == bytes.length
                        && bytes[IndexFormat.LEVEL_AT] == level;
        return right ? new IndexBlock(bytes) : null;
    }

    /** Index of the last entry or fence that begins at or before this address, or -1. */
    int lastNotAfter(int volume, long offsetBytes) {
        int stride = height == 0 ? IndexFormat.ENTRY_BYTES : IndexFormat.FENCE_BYTES;
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            int at = IndexFormat.HEADER_BYTES + middle * stride;
            // Offset and volume lie at the same place in an entry and in a fence.
            int itsVolume = IndexFormat.getInt(bytes, at + IndexFormat.ENTRY_VOLUME);
            boolean after =
                    itsVolume > volume
                            || (itsVolume == volume
                                    && IndexFormat.getLong(bytes, at) > offsetBytes);
            if (after) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low - 1;
    }

    static int entryAt(int index) {
        return IndexFormat.HEADER_BYTES + index * IndexFormat.ENTRY_BYTES;
    }

    static int fenceAt(int index) {
        return IndexFormat.HEADER_BYTES + index * IndexFormat.FENCE_BYTES;
    }
}
