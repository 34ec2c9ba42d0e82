package dev.tidemark.replica;

import io.netty.buffer.ByteBuf;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the manifest keeps of a volume, under {@code volume/<id>}: version, id u32, created sequence
 * u64, created micros u64, count of sizes u32, then for each a sequence u64 and a size u64, then
 * the name.
 *
 * @param sizes size by the sequence number from which on it holds; the first is the creation's
 */
record VolumeRecord(
        int id,
        String name,
        long createdSequence,
        long createdMicros,
        SortedMap<Long, Long> sizes) {
    static final String PREFIX = "volume/";

    VolumeRecord {
        if (sizes.isEmpty()) {
            throw new IllegalArgumentException("volume " + id + " has no size");
        }
        sizes = Collections.unmodifiableSortedMap(new TreeMap<>(sizes));
    }

    /** The newest size in history. */
    long lastSizeBytes() {
        return new TreeMap<>(sizes).lastEntry().getValue();
    }

    String key() {
        return PREFIX + id;
    }

    byte[] encode() {
        ByteBuf value = AttributeFormat.begin();
        value.writeIntLE(id).writeLongLE(createdSequence).writeLongLE(createdMicros);
        value.writeIntLE(sizes.size());
        sizes.forEach((sequence, size) -> value.writeLongLE(sequence).writeLongLE(size));
        AttributeFormat.writeText(value, name);
        return AttributeFormat.end(value);
    }

    static VolumeRecord decode(String key, byte[] bytes) throws ReplicaException {
        return AttributeFormat.read(key, bytes, VolumeRecord::decode);
    }

    private static VolumeRecord decode(ByteBuf value) {
        int id = value.readIntLE();
        long createdSequence = value.readLongLE();
        long createdMicros = value.readLongLE();
        TreeMap<Long, Long> sizes = new TreeMap<>();
        int count = value.readIntLE();
        for (int i = 0; i < count; i++) {
            sizes.put(value.readLongLE(), value.readLongLE());
        }
        return new VolumeRecord(
                id, AttributeFormat.readText(value), createdSequence, createdMicros, sizes);
    }
}
