package dev.tidemark.blockdevice;

import java.util.Arrays;

/**
 * Maps byte ranges to a pair of longs: non-overlapping extents sorted by offset. Putting a range
 * replaces what it covers, splitting extents at its borders; a split extent keeps its {@code
 * origin} (the offset at which the extent was first put), so that a value that names "the record
 * that starts at origin" stays right for every remaining part. Adjacent extents are never joined.
 *
 * <p>Two levels: a sorted array of leaves, each a sorted run of up to {@link ExtentLeaf#CAPACITY}
 * extents in arrays of longs. No object per extent; a put costs two binary searches and the move of
 * part of a leaf. Not thread-safe unless said otherwise by the owner; a visitor must not change the
 * map it visits.
 */
public final class ExtentMap {
    /**
     * Receives a lookup's parts in ascending order; gaps are reported too, so the parts cover the
     * range asked for exactly.
     */
    public interface Visitor {
        /** A mapped part. {@code originBytes} is where the extent it belongs to was first put. */
        void extent(long offsetBytes, long lengthBytes, long originBytes, long a, long b);

        /** A part nothing was put over. */
        void gap(long offsetBytes, long lengthBytes);
    }

    /**
     * Two neighbours are joined when they fit into this many slots together, so that removals
     * cannot leave many small leaves.
     */
    private static final int MERGED_COUNT = ExtentLeaf.CAPACITY / 2;

    private ExtentLeaf[] leaves = new ExtentLeaf[1];

    /** Offset of each leaf's first extent, so that a search touches no leaf but one. */
    private long[] firsts = new long[1];

    private int leafCount;
    private int count;
    private long coveredBytes;

    /** Maps the range to {@code (a, b)} with its start as origin. A length of 0 does nothing. */
    public void put(long offsetBytes, long lengthBytes, long a, long b) {
        checkRange(offsetBytes, lengthBytes);
        if (lengthBytes == 0 || putSimply(offsetBytes, lengthBytes, a, b)) {
            return;
        }
        removeRange(offsetBytes, offsetBytes + lengthBytes);
        insert(offsetBytes, lengthBytes, offsetBytes, a, b);
        coveredBytes += lengthBytes;
    }

    /** Unmaps the range. */
    public void remove(long offsetBytes, long lengthBytes) {
        checkRange(offsetBytes, lengthBytes);
        removeRange(offsetBytes, offsetBytes + lengthBytes);
    }

    /** Reports what the range holds, extents cut to it and gaps, in ascending order. */
    public void visit(long offsetBytes, long lengthBytes, Visitor visitor) {
        checkRange(offsetBytes, lengthBytes);
        long end = offsetBytes + lengthBytes;
        long at = offsetBytes;
        int leafIndex = leafAt(offsetBytes);
        int index = leafCount == 0 ? 0 : leaves[leafIndex].firstEndingAfter(offsetBytes);
        while (leafIndex < leafCount && at < end) {
            ExtentLeaf leaf = leaves[leafIndex];
            for (; index < leaf.count() && at < end; index++) {
                long start = Math.min(leaf.offset(index), end);
                if (start > at) {
                    visitor.gap(at, start - at);
                    at = start;
                }
                long partEnd = Math.min(leaf.end(index), end);
                if (partEnd > at) {
                    visitor.extent(
                            at, partEnd - at, leaf.origin(index), leaf.a(index), leaf.b(index));
                    at = partEnd;
                }
            }
            leafIndex++;
            index = 0;
        }
        if (at < end) {
            visitor.gap(at, end - at);
        }
    }

    /** Reports all extents in ascending order, and no gaps. */
    public void visitAll(Visitor visitor) {
        for (int leafIndex = 0; leafIndex < leafCount; leafIndex++) {
            ExtentLeaf leaf = leaves[leafIndex];
            for (int i = 0; i < leaf.count(); i++) {
                visitor.extent(
                        leaf.offset(i), leaf.length(i), leaf.origin(i), leaf.a(i), leaf.b(i));
            }
        }
    }

    /** Removes everything and gives the memory back. */
    public void clear() {
        leaves = new ExtentLeaf[1];
        firsts = new long[1];
        leafCount = 0;
        count = 0;
        coveredBytes = 0;
    }

    /** Number of extents. */
    public int count() {
        return count;
    }

    /** Sum of the extents' lengths. */
    public long coveredBytes() {
        return coveredBytes;
    }

    public boolean isEmpty() {
        return count == 0;
    }

    /** End of the last extent, 0 when there is none. */
    public long endBytes() {
        if (leafCount == 0) {
            return 0;
        }
        ExtentLeaf last = leaves[leafCount - 1];
        return last.end(last.count() - 1);
    }

    private static void checkRange(long offsetBytes, long lengthBytes) {
        if (offsetBytes < 0 || lengthBytes < 0 || lengthBytes > Long.MAX_VALUE - offsetBytes) {
            throw new IllegalArgumentException(
                    "range " + offsetBytes + " + " + lengthBytes + " is no range of offsets");
        }
    }

    /** Index of the last leaf that starts at or before {@code offset}, else 0. */
    private int leafAt(long offset) {
        int low = 1;
        int high = leafCount;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (firsts[middle] <= offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    /**
     * The two usual cases in one search: the same range again, or a free range in a leaf with room.
     */
    private boolean putSimply(long offset, long length, long a, long b) {
        if (leafCount == 0) {
            return false;
        }
        int leafIndex = leafAt(offset);
        ExtentLeaf leaf = leaves[leafIndex];
        int index = leaf.firstAtOrAfter(offset);
        if (index < leaf.count() && leaf.offset(index) == offset && leaf.length(index) == length) {
            leaf.set(index, offset, length, offset, a, b);
            return true;
        }
        if (leaf.isFull() || (index > 0 && leaf.end(index - 1) > offset)) {
            return false;
        }
        if (nextOffset(leafIndex, index) - offset < length) {
            return false;
        }
        leaf.insert(index, offset, length, offset, a, b);
        firsts[leafIndex] = leaf.offset(0);
        count++;
        coveredBytes += length;
        return true;
    }

    private long nextOffset(int leafIndex, int index) {
        ExtentLeaf leaf = leaves[leafIndex];
        if (index < leaf.count()) {
            return leaf.offset(index);
        }
        return leafIndex + 1 < leafCount ? firsts[leafIndex + 1] : Long.MAX_VALUE;
    }

    private void removeRange(long start, long end) {
        if (leafCount == 0 || start == end) {
            return;
        }
        int leafIndex = leafAt(start);
        ExtentLeaf leaf = leaves[leafIndex];
        int index = leaf.firstAtOrAfter(start);
        // Only the extent before can reach into the range; were it in the leaf before, this leaf
        // would start at the range's start.
        if (index > 0 && leaf.end(index - 1) > start) {
            long previousEnd = leaf.end(index - 1);
            leaf.setLength(index - 1, start - leaf.offset(index - 1));
            coveredBytes -= Math.min(previousEnd, end) - start;
            if (previousEnd > end) {
                insert(
                        end,
                        previousEnd - end,
                        leaf.origin(index - 1),
                        leaf.a(index - 1),
                        leaf.b(index - 1));
                return;
            }
        }
        removeStartingIn(leafIndex, index, end);
    }

    /**
     * Removes the extents from {@code index} of a leaf on that start below {@code end}; the last
     * keeps what lies behind it.
     */
    private void removeStartingIn(int firstLeaf, int firstIndex, long end) {
        int leafIndex = firstLeaf;
        int index = firstIndex;
        int emptyFrom = -1;
        int emptyTo = -1;
        boolean more = true;
        while (more && leafIndex < leafCount) {
            ExtentLeaf leaf = leaves[leafIndex];
            int to = coveredUpTo(leaf, index, end);
            more = to == leaf.count();
            leaf.removeRange(index, to);
            count -= to - index;
            if (leaf.count() == 0) {
                emptyFrom = emptyFrom < 0 ? leafIndex : emptyFrom;
                emptyTo = leafIndex + 1;
            } else {
                trimFirst(leaf, index, end);
                firsts[leafIndex] = leaf.offset(0);
            }
            leafIndex++;
            index = 0;
        }
        if (emptyFrom >= 0) {
            removeLeaves(emptyFrom, emptyTo);
        }
        mergeAround(firstLeaf);
    }

    /** Index behind the last extent from {@code index} on that ends at or before {@code end}. */
    private int coveredUpTo(ExtentLeaf leaf, int index, long end) {
        int to = index;
        while (to < leaf.count() && leaf.end(to) <= end) {
            coveredBytes -= leaf.length(to);
            to++;
        }
        return to;
    }

    private void trimFirst(ExtentLeaf leaf, int index, long end) {
        if (index < leaf.count() && leaf.offset(index) < end) {
            coveredBytes -= end - leaf.offset(index);
            leaf.trimFront(index, end);
        }
    }

    private void mergeAround(int leafIndex) {
        for (int left = Math.max(0, leafIndex - 1);
                left <= leafIndex && left + 1 < leafCount;
                left++) {
            if (leaves[left].count() + leaves[left + 1].count() <= MERGED_COUNT) {
                leaves[left].appendFrom(leaves[left + 1], 0);
                removeLeaves(left + 1, left + 2);
            }
        }
    }

    private void insert(long offset, long length, long origin, long a, long b) {
        if (leafCount == 0) {
            insertLeaf(0, new ExtentLeaf(), offset);
        }
        int leafIndex = leafAt(offset);
        if (leaves[leafIndex].isFull()) {
            leafIndex = split(leafIndex, offset);
        }
        ExtentLeaf leaf = leaves[leafIndex];
        leaf.insert(leaf.firstAtOrAfter(offset), offset, length, origin, a, b);
        firsts[leafIndex] = leaf.offset(0);
        count++;
    }

    /**
     * Makes room in a full leaf; returns the leaf {@code offset} belongs to now. Appending leaves
     * the full leaf full.
     */
    private int split(int leafIndex, long offset) {
        ExtentLeaf leaf = leaves[leafIndex];
        boolean appending = leafIndex == leafCount - 1 && offset > leaf.offset(leaf.count() - 1);
        if (appending) {
            insertLeaf(leafIndex + 1, new ExtentLeaf(), offset);
            return leafIndex + 1;
        }
        ExtentLeaf right = leaf.splitOff(ExtentLeaf.CAPACITY / 2);
        insertLeaf(leafIndex + 1, right, right.offset(0));
        return offset < right.offset(0) ? leafIndex : leafIndex + 1;
    }

    private void insertLeaf(int index, ExtentLeaf leaf, long first) {
        if (leafCount == leaves.length) {
            leaves = Arrays.copyOf(leaves, leafCount * 2);
            firsts = Arrays.copyOf(firsts, leafCount * 2);
        }
        System.arraycopy(leaves, index, leaves, index + 1, leafCount - index);
        System.arraycopy(firsts, index, firsts, index + 1, leafCount - index);
        leaves[index] = leaf;
        firsts[index] = first;
        leafCount++;
    }

    @SuppressWarnings("NullAway") // slots behind leafCount hold no leaf
    private void removeLeaves(int from, int to) {
        System.arraycopy(leaves, to, leaves, from, leafCount - to);
        System.arraycopy(firsts, to, firsts, from, leafCount - to);
        int kept = leafCount - (to - from);
        Arrays.fill(leaves, kept, leafCount, null);
        leafCount = kept;
    }
}
