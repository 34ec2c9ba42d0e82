package dev.tidemark.replica;

/**
 * Which checkpoints to list, oldest first.
 *
 * @param fromMicros earliest time, inclusive
 * @param toMicros latest time, inclusive
 * @param limit at most this many, the newest ones of the range, 1 or more
 * @param taggedOnly leave automatic ones out
 */
public record CheckpointQuery(long fromMicros, long toMicros, int limit, boolean taggedOnly) {
    public CheckpointQuery {
        if (limit < 1) {
            throw new IllegalArgumentException("limit " + limit + " is below 1");
        }
    }

    /** The newest {@code limit} checkpoints of all. */
    public static CheckpointQuery newest(int limit) {
        return new CheckpointQuery(Long.MIN_VALUE, Long.MAX_VALUE, limit, false);
    }

    /** The newest {@code limit} tagged checkpoints. */
    public static CheckpointQuery tagged(int limit) {
        return new CheckpointQuery(Long.MIN_VALUE, Long.MAX_VALUE, limit, true);
    }
}
