package dev.tidemark.replica;

/** What hosts have done to one live volume since the group was opened. */
public record VolumeCounters(
        int volume,
        long reads,
        long readBytes,
        long writes,
        long writtenBytes,
        long zeroes,
        long zeroedBytes,
        long flushes) {}
