package dev.tidemark.replica;

import dev.tidemark.journal.Point;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What the manifest keeps of the promotion in progress, under {@code promotion}: version, epoch
 * u32, sequence u64, the point, whether there is an image and its id, count of volumes u32 and
 * their ids u32. Of a finished one, under {@code promoted/<first>}: version, first u64, last u64,
 * and since there are synchronisations whether it was one, and why, as a text.
 *
 * @param epoch the group's epoch once it has begun: names its PROMOTE record
 * @param sequence of the PROMOTE record; 0 while that is only intended
 * @param volumes ids of the volumes it covers
 */
record PromotionRecord(
        int epoch, long sequence, Point point, @Nullable UUID image, List<Integer> volumes) {
    static final String KEY = "promotion";
    static final String ENDED_PREFIX = "promoted/";

    PromotionRecord {
        volumes = List.copyOf(volumes);
    }

    /**
     * Points in [first, last) can no longer be had: the head was a mixture that only the promoted
     * image could tell.
     */
    record Ended(long first, long last, boolean synchronised, String why) {
        /** A rollback or promotion. */
        Ended(long first, long last) {
            this(first, last, false, "");
        }

        String key() {
            return ENDED_PREFIX + first;
        }

        Ended endingAt(long end, String reason) {
            return new Ended(first, end, synchronised, reason);
        }

        byte[] encode() {
            ByteBuf value = AttributeFormat.begin();
            value.writeLongLE(first).writeLongLE(last).writeBoolean(synchronised);
            AttributeFormat.writeText(value, why);
            return AttributeFormat.end(value);
        }

        static Ended decode(String key, byte[] bytes) throws ReplicaException {
            return AttributeFormat.read(
                    key,
                    bytes,
                    value -> {
                        long first = value.readLongLE();
                        long last = value.readLongLE();
                        return value.isReadable()
                                ? new Ended(
                                        first,
                                        last,
                                        value.readBoolean(),
                                        AttributeFormat.readText(value))
                                : new Ended(first, last);
                    });
        }
    }

    PromotionRecord startedAt(long promoteSequence) {
        return new PromotionRecord(epoch, promoteSequence, point, image, volumes);
    }

    byte[] encode() {
        ByteBuf value = AttributeFormat.begin();
        value.writeIntLE(epoch).writeLongLE(sequence);
        AttributeFormat.writePoint(value, point);
        value.writeBoolean(image != null);
        if (image != null) {
            AttributeFormat.writeUuid(value, image);
        }
        value.writeIntLE(volumes.size());
        volumes.forEach(value::writeIntLE);
        return AttributeFormat.end(value);
    }

    static PromotionRecord decode(byte[] bytes) throws ReplicaException {
        return AttributeFormat.read(KEY, bytes, PromotionRecord::decode);
    }

    private static PromotionRecord decode(ByteBuf value) {
        int epoch = value.readIntLE();
        long sequence = value.readLongLE();
        Point point = AttributeFormat.readPoint(value);
        UUID image = value.readBoolean() ? AttributeFormat.readUuid(value) : null;
        List<Integer> volumes = new ArrayList<>();
        int count = value.readIntLE();
        for (int i = 0; i < count; i++) {
            volumes.add(value.readIntLE());
        }
        return new PromotionRecord(epoch, sequence, point, image, volumes);
    }
}
