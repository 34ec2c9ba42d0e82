package dev.tidemark.journal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Layout of the undo index: trees of checksummed blocks in undo segments, little-endian.
 *
 * <pre>
 *  block header, 32 bytes              entry, 32 bytes                     fence, 24 bytes
 *   0 u32 magic                         0 u64 offset of the part            0 u64 first offset below
 *   4 u32 crc32c of bytes 8..length     8 u32 volume                        8 u32 first volume below
 *   8 u32 segment this block is in     12 u32 length of the part           12 u32 segment of the block below
 *  12 u32 position in the segment      16 u32 segment, 0: all zeros        16 u32 position of the block below
 *  16 u64 first run of the span        20 u32 position of the image        20 u32 its length in bytes
 *  24 u32 length of this block         24 u32 crc32c of the image
 *  28 u16 count of entries or fences   28 u16 part's distance from the
 *  30 u8  level of the span                   image's first byte
 *  31 u8  height: 0 entries, else      30 u16 image length - 1
 *         fences
 * </pre>
 *
 * A block says where it lies and whose it is, so that a block written to the wrong place, or a
 * stale one, is told from the right one. A part keeps naming its whole image, because only the
 * whole has a checksum.
 */
final class IndexFormat {
    static final int MAGIC = 0x5844_4954; // "TIDX"
    static final int BLOCK_BYTES = 16 << 10;
    static final int HEADER_BYTES = 32;
    static final int ENTRY_BYTES = 32;
    static final int FENCE_BYTES = 24;
    static final int ENTRIES_PER_BLOCK = (BLOCK_BYTES - HEADER_BYTES) / ENTRY_BYTES;
    static final int FENCES_PER_BLOCK = (BLOCK_BYTES - HEADER_BYTES) / FENCE_BYTES;

    /**
     * Before-images are cut at volume offsets that are multiples of this. A read of a part has to
     * read and check the whole, and 4 KiB is what is read at random most.
     */
    static final int IMAGE_BYTES = 4 << 10;

    /** Longest image that is understood; a power of two. */
    static final int MAXIMUM_IMAGE_BYTES = 16 << 10;

    /** Longest extent of zeros in one entry; longer ones take several. */
    static final long ZERO_EXTENT_BYTES = 1L << 30;

    static final int MAGIC_AT = 0;
    static final int CRC_AT = 4;
    static final int SEGMENT_AT = 8;
    static final int POSITION_AT = 12;
    static final int FIRST_RUN_AT = 16;
    static final int LENGTH_AT = 24;
    static final int COUNT_AT = 28;
    static final int LEVEL_AT = 30;
    static final int HEIGHT_AT = 31;

    static final int ENTRY_OFFSET = 0;
    static final int ENTRY_VOLUME = 8;
    static final int ENTRY_LENGTH = 12;
    static final int ENTRY_SEGMENT = 16;
    static final int ENTRY_POSITION = 20;
    static final int ENTRY_CRC = 24;
    static final int ENTRY_LEAD = 28;
    static final int ENTRY_IMAGE = 30;

    static final int FENCE_OFFSET = 0;
    static final int FENCE_VOLUME = 8;
    static final int FENCE_SEGMENT = 12;
    static final int FENCE_POSITION = 16;
    static final int FENCE_LENGTH = 20;

    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    private IndexFormat() {}

    static long getLong(byte[] bytes, int at) {
        return (long) LONG.get(bytes, at);
    }

    static int getInt(byte[] bytes, int at) {
        return (int) INT.get(bytes, at);
    }

    static int getShort(byte[] bytes, int at) {
        return (short) SHORT.get(bytes, at) & 0xffff;
    }

    static void putLong(byte[] bytes, int at, long value) {
        LONG.set(bytes, at, value);
    }

    static void putInt(byte[] bytes, int at, int value) {
        INT.set(bytes, at, value);
    }

    static void putShort(byte[] bytes, int at, int value) {
        SHORT.set(bytes, at, (short) value);
    }

    /**
     * A place in the undo segments as one number: segment in the upper half, position in the lower.
     * Orders like time.
     */
    static long location(int segment, int position) {
        return ((long) segment << 32) | position;
    }

    static int segmentOf(long location) {
        return (int) (location >>> 32);
    }

    static int positionOf(long location) {
        return (int) location;
    }
}
