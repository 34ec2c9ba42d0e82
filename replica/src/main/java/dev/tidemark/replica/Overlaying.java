package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;

/** Puts the extents it is shown over a map, each with one number made of its two values. */
final class Overlaying implements ExtentMap.Visitor {
    /** Makes the number. */
    interface Value {
        long of(long a, long b);
    }

    private final ExtentMap into;
    private final Value value;

    Overlaying(ExtentMap into, Value value) {
        this.into = into;
        this.value = value;
    }

    /** Every extent becomes a changed range. */
    static Overlaying changes(ExtentMap into) {
        return new Overlaying(into, (a, b) -> HistoryMap.CHANGED);
    }

    @Override
    public void extent(long offset, long length, long origin, long a, long b) {
        into.put(offset, length, value.of(a, b), 0);
    }

    @Override
    public void gap(long offset, long length) {
        // What is below stays.
    }
}
