package dev.tidemark.replica;

import dev.tidemark.journal.Point;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * What the manifest keeps of a running image, under {@code image/<uuid>}: version, id, started
 * micros u64, the point, count of volumes u32, then for each id u32, size u64, name.
 */
record ImageRecord(UUID id, long startedMicros, Point point, List<PointVolume> volumes) {
    static final String PREFIX = "image/";

    ImageRecord {
        volumes = List.copyOf(volumes);
    }

    String key() {
        return PREFIX + id;
    }

    byte[] encode() {
        ByteBuf value = AttributeFormat.begin();
        AttributeFormat.writeUuid(value, id);
        value.writeLongLE(startedMicros);
        AttributeFormat.writePoint(value, point);
        value.writeIntLE(volumes.size());
        for (PointVolume volume : volumes) {
            value.writeIntLE(volume.id()).writeLongLE(volume.sizeBytes());
            AttributeFormat.writeText(value, volume.name());
        }
        return AttributeFormat.end(value);
    }

    static ImageRecord decode(String key, byte[] bytes) throws ReplicaException {
        return AttributeFormat.read(key, bytes, ImageRecord::decode);
    }

    private static ImageRecord decode(ByteBuf value) {
        UUID id = AttributeFormat.readUuid(value);
        long startedMicros = value.readLongLE();
        Point point = AttributeFormat.readPoint(value);
        List<PointVolume> volumes = new ArrayList<>();
        int count = value.readIntLE();
        for (int i = 0; i < count; i++) {
            int volume = value.readIntLE();
            long size = value.readLongLE();
            volumes.add(new PointVolume(volume, AttributeFormat.readText(value), size));
        }
        return new ImageRecord(id, startedMicros, point, volumes);
    }
}
