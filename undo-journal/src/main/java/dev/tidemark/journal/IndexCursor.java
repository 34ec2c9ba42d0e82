package dev.tidemark.journal;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Walks the entries of one span in (volume, offset) order. Reused for span after span; not
 * thread-safe.
 *
 * <p>After {@link #seek} or {@link #next} returned true the accessors describe the entry it stands
 * on, whose start can be moved forward with {@link #clip}.
 */
final class IndexCursor {
    /** 681 fences in a block: three heights of them index more entries than a disk has blocks. */
    private static final int MAXIMUM_HEIGHT = 6;

    private final IndexReader reader;
    private final IndexReader.Reach reach;
    private final @Nullable IndexBlock[] path = new @Nullable IndexBlock[MAXIMUM_HEIGHT];
    private final int[] indexes = new int[MAXIMUM_HEIGHT];

    private int level;
    private long firstRun;
    private long root;
    private int rootBytes;
    private int height;
    private @Nullable IndexBlock leaf;

    /** The leaf's bytes, the index of the current entry and where in them it lies. */
    private byte[] bytes = new byte[0];

    private int index;
    private int at;

    private int volume;
    private long offsetBytes;
    private long endBytes;

    IndexCursor(IndexReader reader, IndexReader.Reach reach) {
        this.reader = reader;
        this.reach = reach;
    }

    /** Turns to another span; {@link #seek} comes next. */
    void open(SpanSet spans, int level, long number) {
        this.level = level;
        this.firstRun = number * spans.width(level) + 1;
        this.root = spans.level(level).root(number);
        this.rootBytes = spans.level(level).rootBytes(number);
        this.leaf = null;
    }

    /** Moves to the first entry that ends after this address; false when there is none. */
    boolean seek(int volume, long offsetBytes) throws JournalException {
        if (root == 0) {
            return false;
        }
        IndexBlock block = block(root, rootBytes);
        height = block.height;
        while (block.height > 0) {
            path[block.height] = block;
            int below = Math.max(0, block.lastNotAfter(volume, offsetBytes));
            indexes[block.height] = below;
            block = below(block, below);
        }
        leaf = block;
        index = Math.max(0, block.lastNotAfter(volume, offsetBytes));
        if (!settle()) {
            return false;
        }
        boolean before = this.volume < volume || (this.volume == volume && endBytes <= offsetBytes);
        return !before || next();
    }

    boolean next() throws JournalException {
        index++;
        return settle();
    }

    /** Loads the entry at the index, going on to the next leaf when this one is through. */
    private boolean settle() throws JournalException {
        IndexBlock current = leaf;
        if (current == null) {
            return false;
        }
        if (index >= current.count) {
            current = nextLeaf();
            leaf = current;
            if (current == null) {
                return false;
            }
            index = 0;
        }
        at = IndexBlock.entryAt(index);
        bytes = current.bytes;
        offsetBytes = IndexFormat.getLong(bytes, at + IndexFormat.ENTRY_OFFSET);
        volume = IndexFormat.getInt(bytes, at + IndexFormat.ENTRY_VOLUME);
        endBytes = offsetBytes + IndexFormat.getInt(bytes, at + IndexFormat.ENTRY_LENGTH);
        return true;
    }

    private @Nullable IndexBlock nextLeaf() throws JournalException {
        int up = 1;
        while (up <= height && indexes[up] + 1 >= at(up).count) {
            up++;
        }
        if (up > height) {
            return null;
        }
        indexes[up]++;
        IndexBlock block = below(at(up), indexes[up]);
        while (block.height > 0) {
            path[block.height] = block;
            indexes[block.height] = 0;
            block = below(block, 0);
        }
        return block;
    }

    private IndexBlock at(int height) {
        return Objects.requireNonNull(path[height]);
    }

    private IndexBlock below(IndexBlock block, int index) throws JournalException {
        int fence = IndexBlock.fenceAt(index);
        long location =
                IndexFormat.location(
                        IndexFormat.getInt(block.bytes, fence + IndexFormat.FENCE_SEGMENT),
                        IndexFormat.getInt(block.bytes, fence + IndexFormat.FENCE_POSITION));
        IndexBlock below =
                block(location, IndexFormat.getInt(block.bytes, fence + IndexFormat.FENCE_LENGTH));
        assert below.height == block.height - 1;
        return below;
    }

    private IndexBlock block(long location, int lengthBytes) throws JournalException {
        return reader.read(location, lengthBytes, level, firstRun, reach);
    }

    /**
     * Forgets the part of the current entry before {@code offsetBytes}, which must lie inside of
     * it.
     */
    void clip(long offsetBytes) {
        assert offsetBytes > this.offsetBytes && offsetBytes < endBytes;
        this.offsetBytes = offsetBytes;
    }

    int volume() {
        return volume;
    }

    long offsetBytes() {
        return offsetBytes;
    }

    long endBytes() {
        return endBytes;
    }

    /** Segment of the before-image, 0 when it is all zeros. */
    int segment() {
        return field(IndexFormat.ENTRY_SEGMENT);
    }

    int position() {
        return field(IndexFormat.ENTRY_POSITION);
    }

    int crc() {
        return field(IndexFormat.ENTRY_CRC);
    }

    /** Volume offset of the before-image's first byte. */
    long imageOffsetBytes() {
        return IndexFormat.getLong(bytes, at + IndexFormat.ENTRY_OFFSET)
                - IndexFormat.getShort(bytes, at + IndexFormat.ENTRY_LEAD);
    }

    int imageBytes() {
        return IndexFormat.getShort(bytes, at + IndexFormat.ENTRY_IMAGE) + 1;
    }

    private int field(int field) {
        return IndexFormat.getInt(bytes, at + field);
    }
}
