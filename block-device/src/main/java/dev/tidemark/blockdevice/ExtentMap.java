package dev.tidemark.blockdevice;

/**
 * Maps byte ranges to a pair of longs: non-overlapping extents sorted by offset. Putting a range
 * replaces what it covers, splitting extents at its borders; a split extent keeps its {@code
 * origin} (the offset at which the extent was first put), so that a value that names "the record
 * that starts at origin" stays right for every remaining part. Adjacent extents are not joined
 * unless they come from the same put.
 *
 * <p>Not thread-safe unless said otherwise by the owner. Built for many small puts: no object per
 * extent.
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

    public void put(long offsetBytes, long lengthBytes, long a, long b) {
        throw new UnsupportedOperationException();
    }

    public void remove(long offsetBytes, long lengthBytes) {
        throw new UnsupportedOperationException();
    }

    public void visit(long offsetBytes, long lengthBytes, Visitor visitor) {
        throw new UnsupportedOperationException();
    }

    /** Number of extents. */
    public int count() {
        throw new UnsupportedOperationException();
    }

    /** Sum of the extents' lengths. */
    public long coveredBytes() {
        throw new UnsupportedOperationException();
    }

    public boolean isEmpty() {
        return count() == 0;
    }
}
