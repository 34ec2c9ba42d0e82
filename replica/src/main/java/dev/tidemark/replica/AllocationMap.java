package dev.tidemark.replica;

import java.util.BitSet;

/**
 * Which 1 MiB regions of a volume may hold bytes that are not zero, counted from the journal's
 * head: a region never written needs no before-image. Errs on the side of "may". Thread-safe by its
 * own lock.
 */
final class AllocationMap {
    static final long REGION_BYTES = 1 << 20;

    private final BitSet regions = new BitSet();

    /** Everything from the start to the end may hold data. */
    synchronized void addAll(long sizeBytes) {
        regions.set(0, Math.toIntExact((sizeBytes + REGION_BYTES - 1) / REGION_BYTES));
    }

    /** Everything another map of the same volume says. */
    void addAll(AllocationMap other, long sizeBytes) {
        long at = other.dataFrom(0, sizeBytes);
        while (at < sizeBytes) {
            long until = other.holeFrom(at, sizeBytes);
            add(at, until - at);
            at = other.dataFrom(until, sizeBytes);
        }
    }

    synchronized void add(long offsetBytes, long lengthBytes) {
        if (lengthBytes > 0) {
            int first = Math.toIntExact(offsetBytes / REGION_BYTES);
            int last = Math.toIntExact((offsetBytes + lengthBytes - 1) / REGION_BYTES);
            regions.set(first, last + 1);
        }
    }

    /** Bytes of the range that may hold data. */
    synchronized long dataBytes(long offsetBytes, long lengthBytes) {
        long end = offsetBytes + lengthBytes;
        long total = 0;
        long at = dataFrom(offsetBytes, end);
        while (at < end) {
            long until = holeFrom(at, end);
            total += until - at;
            at = dataFrom(until, end);
        }
        return total;
    }

    /**
     * Where the first byte that may hold data lies in the range from {@code at} to {@code end};
     * {@code end} when there is none.
     */
    synchronized long dataFrom(long at, long end) {
        if (at >= end) {
            return end;
        }
        int region = regions.nextSetBit(Math.toIntExact(at / REGION_BYTES));
        return region < 0 ? end : Math.min(end, Math.max(at, region * REGION_BYTES));
    }

    /** Where the first byte that certainly is zero lies; {@code end} when there is none. */
    synchronized long holeFrom(long at, long end) {
        if (at >= end) {
            return end;
        }
        int region = regions.nextClearBit(Math.toIntExact(at / REGION_BYTES));
        return Math.min(end, Math.max(at, region * REGION_BYTES));
    }
}
