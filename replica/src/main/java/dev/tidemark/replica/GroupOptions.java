package dev.tidemark.replica;

import java.time.Duration;

/**
 * How a protection group keeps its history; nothing here is stored, every opening says it anew.
 *
 * @param unitBytes size of a storage unit, 1 MiB to 1 GiB, a power of two
 * @param historyWindow how far back checkpoints reach
 * @param historyBytes byte budget of the history; the shorter of the two counts
 * @param fineWindow how far back every single write is addressable
 * @param checkpointInterval time between automatic checkpoints, 0.1 to 60 s
 * @param unfoldedLimitBytes writes wait while more redo than this is not in gold; 0: 1 GiB or half
 *     the pool, whichever is less
 * @param retryInterval wait before a stalled fold is tried again
 */
public record GroupOptions(
        int unitBytes,
        Duration historyWindow,
        long historyBytes,
        Duration fineWindow,
        Duration checkpointInterval,
        long unfoldedLimitBytes,
        Duration retryInterval) {
    static final Duration SHORTEST_INTERVAL = Duration.ofMillis(100);
    static final Duration LONGEST_INTERVAL = Duration.ofSeconds(60);

    public GroupOptions {
        checkInterval(checkpointInterval);
        if (unfoldedLimitBytes < 0) {
            throw new IllegalArgumentException(
                    "unfolded limit " + unfoldedLimitBytes + " is negative");
        }
    }

    static void checkInterval(Duration interval) {
        if (interval.compareTo(SHORTEST_INTERVAL) < 0 || interval.compareTo(LONGEST_INTERVAL) > 0) {
            throw new IllegalArgumentException(
                    "checkpoint interval " + interval + " is not between 0.1 and 60 seconds");
        }
    }

    /**
     * 64 MiB units, 24 h of history in any number of bytes, 10 min fine window, a checkpoint each
     * second.
     */
    public static GroupOptions defaults() {
        return new GroupOptions(
                64 << 20,
                Duration.ofHours(24),
                Long.MAX_VALUE,
                Duration.ofMinutes(10),
                Duration.ofSeconds(1),
                0,
                Duration.ofSeconds(1));
    }

    public GroupOptions withUnitBytes(int bytes) {
        return new GroupOptions(
                bytes,
                historyWindow,
                historyBytes,
                fineWindow,
                checkpointInterval,
                unfoldedLimitBytes,
                retryInterval);
    }

    public GroupOptions withHistory(Duration window, long bytes, Duration fine) {
        return new GroupOptions(
                unitBytes,
                window,
                bytes,
                fine,
                checkpointInterval,
                unfoldedLimitBytes,
                retryInterval);
    }

    public GroupOptions withCheckpointInterval(Duration interval) {
        return new GroupOptions(
                unitBytes,
                historyWindow,
                historyBytes,
                fineWindow,
                interval,
                unfoldedLimitBytes,
                retryInterval);
    }

    public GroupOptions withUnfoldedLimit(long bytes) {
        return new GroupOptions(
                unitBytes,
                historyWindow,
                historyBytes,
                fineWindow,
                checkpointInterval,
                bytes,
                retryInterval);
    }

    public GroupOptions withRetryInterval(Duration interval) {
        return new GroupOptions(
                unitBytes,
                historyWindow,
                historyBytes,
                fineWindow,
                checkpointInterval,
                unfoldedLimitBytes,
                interval);
    }
}
