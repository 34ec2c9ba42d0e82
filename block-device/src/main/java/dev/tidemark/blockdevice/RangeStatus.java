package dev.tidemark.blockdevice;

import java.util.Arrays;

/**
 * Consecutive extents of a disk, each with a number: the answer of a {@link StatusSource}.
 * Immutable.
 */
public final class RangeStatus {
    private final long offsetBytes;

    /** Where each extent ends, ascending. */
    private final long[] ends;

    private final long[] values;

    private RangeStatus(long offsetBytes, long[] ends, long[] values) {
        this.offsetBytes = offsetBytes;
        this.ends = ends;
        this.values = values;
    }

    /** A range that is the same throughout; of length 0 it has no extent. */
    public static RangeStatus uniform(long offsetBytes, long lengthBytes, long value) {
        Builder builder = new Builder(offsetBytes, 1);
        builder.add(lengthBytes, value);
        return builder.build();
    }

    /** Start of the first extent. */
    public long offsetBytes() {
        return offsetBytes;
    }

    /** End of the last extent. */
    public long endBytes() {
        return ends.length == 0 ? offsetBytes : ends[ends.length - 1];
    }

    /** Number of extents. */
    public int count() {
        return ends.length;
    }

    /** Length of an extent, more than 0. */
    public long lengthBytes(int index) {
        return ends[index] - (index == 0 ? offsetBytes : ends[index - 1]);
    }

    /** What an extent is; its source says what the number means. */
    public long value(int index) {
        return values[index];
    }

    /** Puts an answer together, in order. Not thread-safe; of no use after {@link #build}. */
    public static final class Builder {
        private static final int INITIAL_COUNT = 64;

        private final long offsetBytes;
        private final int maximumCount;
        private long[] ends;
        private long[] values;
        private int count;
        private long endBytes;

        /**
         * Begins an answer without extents.
         *
         * @param offsetBytes where the first extent starts
         * @param maximumCount most extents to take, at least 1
         */
        public Builder(long offsetBytes, int maximumCount) {
            assert maximumCount >= 1 : maximumCount + " extents";
            this.offsetBytes = offsetBytes;
            this.maximumCount = maximumCount;
            this.endBytes = offsetBytes;
            this.ends = new long[Math.min(maximumCount, INITIAL_COUNT)];
            this.values = new long[ends.length];
        }

        /**
         * Adds what follows, joined to the extent before when it is the same; a length of 0 adds
         * nothing.
         *
         * @return false, with nothing added, when this would be one extent too many
         */
        public boolean add(long lengthBytes, long value) {
            assert lengthBytes >= 0 : "length " + lengthBytes;
            if (lengthBytes == 0) {
                return true;
            }
            if (count > 0 && values[count - 1] == value) {
                endBytes += lengthBytes;
                ends[count - 1] = endBytes;
                return true;
            }
            if (count == maximumCount) {
                return false;
            }
            if (count == ends.length) {
                int room = (int) Math.min(maximumCount, 2L * count);
                ends = Arrays.copyOf(ends, room);
                values = Arrays.copyOf(values, room);
            }
            endBytes += lengthBytes;
            ends[count] = endBytes;
            values[count] = value;
            count++;
            return true;
        }

        /** Where the next extent would start. */
        public long endBytes() {
            return endBytes;
        }

        public RangeStatus build() {
            return new RangeStatus(
                    offsetBytes, Arrays.copyOf(ends, count), Arrays.copyOf(values, count));
        }
    }
}
