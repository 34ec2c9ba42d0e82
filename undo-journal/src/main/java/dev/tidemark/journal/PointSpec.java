package dev.tidemark.journal;

/** A point in time as somebody asks for it. */
public sealed interface PointSpec {
    /** The newest write. */
    record Latest() implements PointSpec {}

    /** The state after the record with this sequence number. */
    record AtSequence(long sequence) implements PointSpec {}

    /** The state at a time, microseconds since 1970-01-01T00:00Z. */
    record AtTime(long timeMicros) implements PointSpec {}

    /** A checkpoint by its name; the newest of that name. */
    record AtCheckpoint(String name) implements PointSpec {}
}
