package dev.tidemark.blockdevice;

import java.util.Arrays;

/**
 * A sorted run of extents of an {@link ExtentMap}, in two parallel arrays: the offsets apart, since
 * searches touch only them, and four values per extent (length, origin, a, b). Grows from a handful
 * to {@link #CAPACITY}. Not thread-safe.
 */
final class ExtentLeaf {
    static final int CAPACITY = 128;
    private static final int FIRST_CAPACITY = 8;
    private static final int LENGTH = 0;
    private static final int ORIGIN = 1;
    private static final int A = 2;
    private static final int B = 3;
    private static final int STRIDE = 4;

    private long[] offsets = new long[FIRST_CAPACITY];
    private long[] values = new long[FIRST_CAPACITY * STRIDE];
    private int count;

    int count() {
        return count;
    }

    boolean isFull() {
        return count == CAPACITY;
    }

    long offset(int index) {
        return offsets[index];
    }

    long length(int index) {
        return values[index * STRIDE + LENGTH];
    }

    long end(int index) {
        return offsets[index] + values[index * STRIDE + LENGTH];
    }

    long origin(int index) {
        return values[index * STRIDE + ORIGIN];
    }

    long a(int index) {
        return values[index * STRIDE + A];
    }

    long b(int index) {
        return values[index * STRIDE + B];
    }

    /**
     * Index of the first extent that starts at or after {@code offset}; the count when there is
     * none.
     */
    int firstAtOrAfter(long offset) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (offsets[middle] < offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Index of the first extent that ends after {@code offset}; the count when there is none. */
    int firstEndingAfter(long offset) {
        int index = firstAtOrAfter(offset);
        return index > 0 && end(index - 1) > offset ? index - 1 : index;
    }

    void setLength(int index, long length) {
        values[index * STRIDE + LENGTH] = length;
    }

    /** Moves an extent's start up to {@code offset}; its end stays. */
    void trimFront(int index, long offset) {
        setLength(index, end(index) - offset);
        offsets[index] = offset;
    }

    void set(int index, long offset, long length, long origin, long a, long b) {
        offsets[index] = offset;
        int at = index * STRIDE;
        values[at + LENGTH] = length;
        values[at + ORIGIN] = origin;
        values[at + A] = a;
        values[at + B] = b;
    }

    void insert(int index, long offset, long length, long origin, long a, long b) {
        ensureRoom(1);
        int moved = count - index;
        System.arraycopy(offsets, index, offsets, index + 1, moved);
        System.arraycopy(values, index * STRIDE, values, (index + 1) * STRIDE, moved * STRIDE);
        count++;
        set(index, offset, length, origin, a, b);
    }

    void removeRange(int from, int to) {
        int moved = count - to;
        System.arraycopy(offsets, to, offsets, from, moved);
        System.arraycopy(values, to * STRIDE, values, from * STRIDE, moved * STRIDE);
        count -= to - from;
    }

    /** Moves the extents from {@code index} on into a new leaf. */
    ExtentLeaf splitOff(int index) {
        ExtentLeaf right = new ExtentLeaf();
        right.appendFrom(this, index);
        count = index;
        return right;
    }

    /**
     * Appends a copy of {@code source}'s extents from {@code index} on; they lie behind this leaf's
     * last one.
     */
    void appendFrom(ExtentLeaf source, int index) {
        int moved = source.count - index;
        ensureRoom(moved);
        System.arraycopy(source.offsets, index, offsets, count, moved);
        System.arraycopy(source.values, index * STRIDE, values, count * STRIDE, moved * STRIDE);
        count += moved;
    }

    private void ensureRoom(int more) {
        int needed = count + more;
        assert needed <= CAPACITY : needed;
        if (needed > offsets.length) {
            int capacity = Math.min(CAPACITY, Math.max(needed, offsets.length * 2));
            offsets = Arrays.copyOf(offsets, capacity);
            values = Arrays.copyOf(values, capacity * STRIDE);
        }
    }
}
