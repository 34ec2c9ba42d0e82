package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;
import java.util.Arrays;

/**
 * Extents of one volume as a flat array, in the order they were visited: what the fold walks over,
 * and the parts of a read. Not thread-safe.
 */
final class Extents implements ExtentMap.Visitor {
    private static final int STRIDE = 5;
    private long[] values;
    private int count;

    Extents(int expectedCount) {
        values = new long[STRIDE * expectedCount];
    }

    static Extents of(ExtentMap map) {
        Extents extents = new Extents(Math.max(1, map.count()));
        map.visitAll(extents);
        return extents;
    }

    @Override
    public void extent(long offsetBytes, long lengthBytes, long originBytes, long a, long b) {
        int at = count * STRIDE;
        if (at == values.length) {
            values = Arrays.copyOf(values, values.length * 2);
        }
        values[at] = offsetBytes;
        values[at + 1] = lengthBytes;
        values[at + 2] = originBytes;
        values[at + 3] = a;
        values[at + 4] = b;
        count++;
    }

    @Override
    public void gap(long offsetBytes, long lengthBytes) {
        // Only extents are of interest.
    }

    int count() {
        return count;
    }

    long offset(int index) {
        return values[index * STRIDE];
    }

    long length(int index) {
        return values[index * STRIDE + 1];
    }

    long end(int index) {
        return offset(index) + length(index);
    }

    long origin(int index) {
        return values[index * STRIDE + 2];
    }

    /** A redo segment, or one of the kinds of zeros of {@link Layer}. */
    long segment(int index) {
        return values[index * STRIDE + 3];
    }

    long position(int index) {
        return values[index * STRIDE + 4];
    }
}
