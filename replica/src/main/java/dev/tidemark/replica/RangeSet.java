package dev.tidemark.replica;

import java.util.Map;
import java.util.TreeMap;

/** A set of byte offsets kept as disjoint, joined ranges. Thread-safe by its own lock. */
final class RangeSet {
    /** Receives ranges in ascending order. */
    interface Visitor {
        void range(long offsetBytes, long lengthBytes);
    }

    /** Receives the parts of a range in ascending order; they cover it exactly. */
    interface PartVisitor {
        void part(long offsetBytes, long lengthBytes, boolean contained);
    }

    /** Start to end, exclusive; ranges neither overlap nor touch. */
    private final TreeMap<Long, Long> ranges = new TreeMap<>();

    synchronized void add(long offsetBytes, long lengthBytes) {
        if (lengthBytes == 0) {
            return;
        }
        long start = offsetBytes;
        long end = offsetBytes + lengthBytes;
        Map.Entry<Long, Long> before = ranges.floorEntry(start);
        if (before != null && before.getValue() >= start) {
            start = before.getKey();
            end = Math.max(end, before.getValue());
        }
        Map.Entry<Long, Long> next = ranges.ceilingEntry(start);
        while (next != null && next.getKey() <= end) {
            end = Math.max(end, next.getValue());
            ranges.remove(next.getKey());
            next = ranges.ceilingEntry(start);
        }
        ranges.put(start, end);
    }

    /** Whether any byte of the range is in the set. */
    synchronized boolean intersects(long offsetBytes, long lengthBytes) {
        Map.Entry<Long, Long> before = ranges.lowerEntry(offsetBytes + lengthBytes);
        return before != null && before.getValue() > offsetBytes;
    }

    /** Reports which parts of a range are in the set; the visitor must not change it. */
    synchronized void visit(long offsetBytes, long lengthBytes, PartVisitor visitor) {
        long at = offsetBytes;
        long end = offsetBytes + lengthBytes;
        Map.Entry<Long, Long> entry = ranges.floorEntry(at);
        if (entry == null || entry.getValue() <= at) {
            entry = ranges.higherEntry(at);
        }
        while (at < end) {
            if (entry == null || entry.getKey() >= end) {
                visitor.part(at, end - at, false);
                return;
            }
            if (entry.getKey() > at) {
                visitor.part(at, entry.getKey() - at, false);
                at = entry.getKey();
            }
            long until = Math.min(end, entry.getValue());
            visitor.part(at, until - at, true);
            at = until;
            entry = ranges.higherEntry(entry.getKey());
        }
    }

    /** A copy of the part of this set that lies in a range. */
    RangeSet within(long offsetBytes, long lengthBytes) {
        RangeSet copy = new RangeSet();
        visit(
                offsetBytes,
                lengthBytes,
                (offset, length, contained) -> {
                    if (contained) {
                        copy.ranges.put(offset, offset + length);
                    }
                });
        return copy;
    }

    synchronized int count() {
        return ranges.size();
    }
}
