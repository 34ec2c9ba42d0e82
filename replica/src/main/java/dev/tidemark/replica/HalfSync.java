package dev.tidemark.replica;

import io.netty.buffer.ByteBuf;

/**
 * A copy whose log holds what a synchronisation brought, and which has not come to its end: the
 * manifest keeps it under {@code half-sync}: version, stretch u64, last u64, position (sequence
 * u64, time u64, epoch u32). Forced before the first change.
 *
 * @param stretch local number at which the newest stretch began then; with another one in force,
 *     the synchronisation has ended
 * @param lastLocal local number of the last record before it
 * @param base that record as the source knows it: all that differs was written after it
 */
record HalfSync(long stretch, long lastLocal, StreamPosition base) {
    static final String KEY = "half-sync";

    /** A copy of a site that is not known to have any record of this one's log. */
    static HalfSync ofUnknown(long lastLocal) {
        return new HalfSync(lastLocal, lastLocal, StreamPosition.UNKNOWN);
    }

    byte[] encode() {
        ByteBuf value = AttributeFormat.begin();
        value.writeLongLE(stretch).writeLongLE(lastLocal);
        value.writeLongLE(base.sequence()).writeLongLE(base.timeMicros());
        value.writeIntLE(base.epoch());
        return AttributeFormat.end(value);
    }

    static HalfSync decode(byte[] bytes) throws ReplicaException {
        return AttributeFormat.read(
                KEY,
                bytes,
                value ->
                        new HalfSync(
                                value.readLongLE(),
                                value.readLongLE(),
                                new StreamPosition(
                                        value.readLongLE(),
                                        value.readLongLE(),
                                        value.readIntLE())));
    }
}
