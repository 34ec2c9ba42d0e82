package dev.tidemark.journal;

import java.util.ArrayList;
import java.util.List;

/**
 * Builds the index of one span bottom-up while its entries come in, in ascending (volume, offset)
 * order without overlap. Holds one open block per height. Adjacent extents of zeros become one
 * entry.
 */
final class IndexTreeWriter {
    /** A block being filled. */
    private static final class OpenBlock {
        final byte[] bytes = new byte[IndexFormat.BLOCK_BYTES];
        int count;
    }

    private final UndoStage stage;
    private final int level;
    private final long firstRun;
    private final List<OpenBlock> open = new ArrayList<>();
    private long entries;

    private int zeroVolume;
    private long zeroOffsetBytes;
    private long zeroLengthBytes;

    IndexTreeWriter(UndoStage stage, int level, long firstRun) {
        this.stage = stage;
        this.level = level;
        this.firstRun = firstRun;
        open.add(new OpenBlock());
    }

    /** Adds an extent that was all zeros. */
    void addZero(int volume, long offsetBytes, long lengthBytes) throws JournalException {
        if (zeroLengthBytes > 0
                && zeroVolume == volume
                && zeroOffsetBytes + zeroLengthBytes == offsetBytes) {
            zeroLengthBytes += lengthBytes;
            return;
        }
        flushZero();
        zeroVolume = volume;
        zeroOffsetBytes = offsetBytes;
        zeroLengthBytes = lengthBytes;
    }

    private void flushZero() throws JournalException {
        while (zeroLengthBytes > 0) {
            long lengthBytes = Math.min(zeroLengthBytes, IndexFormat.ZERO_EXTENT_BYTES);
            append(zeroVolume, zeroOffsetBytes, (int) lengthBytes, 0, 0, 0, 1);
            zeroOffsetBytes += lengthBytes;
            zeroLengthBytes -= lengthBytes;
        }
    }

    /**
     * Adds a part of a before-image, which lies at {@code location} and begins {@code leadBytes}
     * before the part.
     */
    void add(
            int volume,
            long offsetBytes,
            int lengthBytes,
            long location,
            int crc,
            int leadBytes,
            int imageBytes)
            throws JournalException {
        assert lengthBytes > 0 && leadBytes + lengthBytes <= imageBytes;
        flushZero();
        append(volume, offsetBytes, lengthBytes, location, crc, leadBytes, imageBytes);
    }

    private void append(
            int volume,
            long offsetBytes,
            int lengthBytes,
            long location,
            int crc,
            int leadBytes,
            int imageBytes)
            throws JournalException {
        OpenBlock leaf = open.get(0);
        if (leaf.count == IndexFormat.ENTRIES_PER_BLOCK) {
            close(0);
        }
        int at = IndexBlock.entryAt(leaf.count++);
        byte[] bytes = leaf.bytes;
        IndexFormat.putLong(bytes, at + IndexFormat.ENTRY_OFFSET, offsetBytes);
        IndexFormat.putInt(bytes, at + IndexFormat.ENTRY_VOLUME, volume);
        IndexFormat.putInt(bytes, at + IndexFormat.ENTRY_LENGTH, lengthBytes);
        IndexFormat.putInt(bytes, at + IndexFormat.ENTRY_SEGMENT, IndexFormat.segmentOf(location));
        IndexFormat.putInt(
                bytes, at + IndexFormat.ENTRY_POSITION, IndexFormat.positionOf(location));
        IndexFormat.putInt(bytes, at + IndexFormat.ENTRY_CRC, crc);
        IndexFormat.putShort(bytes, at + IndexFormat.ENTRY_LEAD, leadBytes);
        IndexFormat.putShort(bytes, at + IndexFormat.ENTRY_IMAGE, imageBytes - 1);
        entries++;
    }

    /** Writes the open block of this height and enters it into the one above. */
    private void close(int height) throws JournalException {
        OpenBlock block = open.get(height);
        int lengthBytes = lengthBytes(height, block.count);
        long location = write(height, block, lengthBytes);
        if (height + 1 == open.size()) {
            open.add(new OpenBlock());
        } else if (open.get(height + 1).count == IndexFormat.FENCES_PER_BLOCK) {
            close(height + 1);
        }
        OpenBlock above = open.get(height + 1);
        int at = IndexBlock.fenceAt(above.count++);
        byte[] fence = above.bytes;
        byte[] bytes = block.bytes;
        int first = IndexFormat.HEADER_BYTES;
        IndexFormat.putLong(
                fence, at + IndexFormat.FENCE_OFFSET, IndexFormat.getLong(bytes, first));
        IndexFormat.putInt(
                fence,
                at + IndexFormat.FENCE_VOLUME,
                IndexFormat.getInt(bytes, first + IndexFormat.ENTRY_VOLUME));
        IndexFormat.putInt(fence, at + IndexFormat.FENCE_SEGMENT, IndexFormat.segmentOf(location));
        IndexFormat.putInt(
                fence, at + IndexFormat.FENCE_POSITION, IndexFormat.positionOf(location));
        IndexFormat.putInt(fence, at + IndexFormat.FENCE_LENGTH, lengthBytes);
        block.count = 0;
    }

    /** Bytes of the index over this many entries. */
    static long indexBytes(long entries) {
        long bytes = entries * IndexFormat.ENTRY_BYTES;
        long blocks = Math.ceilDiv(entries, IndexFormat.ENTRIES_PER_BLOCK);
        bytes += blocks * IndexFormat.HEADER_BYTES;
        while (blocks > 1) {
            bytes += blocks * IndexFormat.FENCE_BYTES;
            blocks = Math.ceilDiv(blocks, IndexFormat.FENCES_PER_BLOCK);
            bytes += blocks * IndexFormat.HEADER_BYTES;
        }
        return bytes;
    }

    private static int lengthBytes(int height, int count) {
        int stride = height == 0 ? IndexFormat.ENTRY_BYTES : IndexFormat.FENCE_BYTES;
        return IndexFormat.HEADER_BYTES + count * stride;
    }

    private long write(int height, OpenBlock block, int lengthBytes) throws JournalException {
        long location = stage.place(lengthBytes);
        byte[] bytes = block.bytes;
        IndexFormat.putInt(bytes, IndexFormat.MAGIC_AT, IndexFormat.MAGIC);
        IndexFormat.putInt(bytes, IndexFormat.SEGMENT_AT, IndexFormat.segmentOf(location));
        IndexFormat.putInt(bytes, IndexFormat.POSITION_AT, IndexFormat.positionOf(location));
        IndexFormat.putLong(bytes, IndexFormat.FIRST_RUN_AT, firstRun);
        IndexFormat.putInt(bytes, IndexFormat.LENGTH_AT, lengthBytes);
        IndexFormat.putShort(bytes, IndexFormat.COUNT_AT, block.count);
        bytes[IndexFormat.LEVEL_AT] = (byte) level;
        bytes[IndexFormat.HEIGHT_AT] = (byte) height;
        IndexFormat.putInt(bytes, IndexFormat.CRC_AT, IndexBlock.checksum(bytes, lengthBytes));
        stage.put(bytes, lengthBytes);
        return location;
    }

    /**
     * Writes what is open, the root last.
     *
     * @param dataBytes bytes of before-images that were written with this index; 0 for a merged one
     */
    SpanDescriptor finish(long lastRun, long dataBytes) throws JournalException {
        flushZero();
        if (entries == 0) {
            return new SpanDescriptor(level, firstRun, lastRun, 0, 0, 0, 0, 0, 0);
        }
        for (int height = 0; ; height++) {
            OpenBlock block = open.get(height);
            if (height == open.size() - 1) {
                int lengthBytes = lengthBytes(height, block.count);
                long root = write(height, block, lengthBytes);
                return new SpanDescriptor(
                        level,
                        firstRun,
                        lastRun,
                        stage.startSegment(),
                        IndexFormat.segmentOf(root),
                        IndexFormat.positionOf(root),
                        lengthBytes,
                        entries,
                        dataBytes);
            }
            close(height);
        }
    }

    long entries() {
        return entries;
    }
}
