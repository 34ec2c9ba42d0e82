package dev.tidemark.journal;

import java.nio.ByteBuffer;

/**
 * What the manifest keeps of an index over consecutive runs: everything needed to find it and to
 * know it again. A level 0 span is a run.
 *
 * <pre>
 *  0 u64 first run
 *  8 u64 last run
 * 16 u32 segment in which its first byte was placed
 * 20 u32 segment of the root block, 0: nothing was changed
 * 24 u32 position of the root block
 * 28 u32 entries
 * 32 u32 bytes of before-images, 0 for a merged index
 * 36 u16 length of the root block in bytes
 * 38 u8  level
 * 39 u8  reserved, 0
 * </pre>
 *
 * The root is the last block written of its span, so the undo log is appended behind the last root
 * of all.
 */
record SpanDescriptor(
        int level,
        long firstRun,
        long lastRun,
        int startSegment,
        int rootSegment,
        int rootPosition,
        int rootBytes,
        long entries,
        long dataBytes) {
    static final int BYTES = 40;

    SpanDescriptor {
        if (level < 0 || firstRun < 1 || lastRun < firstRun || rootBytes < 0) {
            throw new IllegalArgumentException(
                    "span of level " + level + " over runs " + firstRun + " to " + lastRun);
        }
    }

    static SpanDescriptor read(ByteBuffer source) {
        long firstRun = source.getLong();
        long lastRun = source.getLong();
        int startSegment = source.getInt();
        int rootSegment = source.getInt();
        int rootPosition = source.getInt();
        long entries = source.getInt() & 0xffff_ffffL;
        long dataBytes = source.getInt() & 0xffff_ffffL;
        int rootBytes = source.getShort() & 0xffff;
        int level = source.get();
        source.get();
        return new SpanDescriptor(
                level,
                firstRun,
                lastRun,
                startSegment,
                rootSegment,
                rootPosition,
                rootBytes,
                entries,
                dataBytes);
    }

    /** Appends {@link #BYTES} bytes to a little-endian buffer. */
    void write(ByteBuffer target) {
        target.putLong(firstRun).putLong(lastRun);
        target.putInt(startSegment).putInt(rootSegment).putInt(rootPosition);
        target.putInt((int) entries).putInt((int) Math.min(dataBytes, 0xffff_ffffL));
        target.putShort((short) rootBytes).put((byte) level).put((byte) 0);
    }

    boolean isEmpty() {
        return rootSegment == 0;
    }

    /** Bytes of its index blocks. */
    long indexBytes() {
        return IndexTreeWriter.indexBytes(entries);
    }

    /** This with another start: a run that changed nothing starts where the one before it did. */
    SpanDescriptor startingIn(int segment) {
        return new SpanDescriptor(
                level,
                firstRun,
                lastRun,
                segment,
                rootSegment,
                rootPosition,
                rootBytes,
                entries,
                dataBytes);
    }

    /** Where the next byte of the undo log may go. */
    long endLocation() {
        return IndexFormat.location(rootSegment, rootPosition + rootBytes);
    }
}
