package dev.tidemark.replica;

import io.netty.buffer.ByteBuf;

/**
 * What the manifest keeps of a copy's dirty map, under {@code dirty-map/<peer>}: version, file
 * number u64, through u64, since time u64, dirty bytes u64, and why there is none any more, as a
 * text.
 *
 * @param number of its file; 0 when there is none
 * @param throughSequence a copy that has this record needs it no longer
 * @param sinceMicros time of the first change that is in it
 * @param dirtyBytes blocks that are in it
 * @param lost why it was given up; empty when it was not
 */
record DirtyMapRecord(
        long number, long throughSequence, long sinceMicros, long dirtyBytes, String lost) {
    static final String PREFIX = "dirty-map/";

    byte[] encode() {
        ByteBuf value = AttributeFormat.begin();
        value.writeLongLE(number).writeLongLE(throughSequence);
        value.writeLongLE(sinceMicros).writeLongLE(dirtyBytes);
        AttributeFormat.writeText(value, lost);
        return AttributeFormat.end(value);
    }

    static DirtyMapRecord decode(String key, byte[] bytes) throws ReplicaException {
        return AttributeFormat.read(
                key,
                bytes,
                value ->
                        new DirtyMapRecord(
                                value.readLongLE(),
                                value.readLongLE(),
                                value.readLongLE(),
                                value.readLongLE(),
                                AttributeFormat.readText(value)));
    }
}
