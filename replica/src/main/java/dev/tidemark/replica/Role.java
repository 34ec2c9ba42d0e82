package dev.tidemark.replica;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A group's role at this site, as the manifest keeps it under {@code role}: version, state u8,
 * tenure u32, whether there is a source and its site's id, count of stretches u32, and for each a
 * local and a source's sequence number u64.
 *
 * @param tenure in force as far as this site knows; the upper half of epochs
 * @param source the site whose records a copy takes; null for a group that never was a copy
 * @param stretches ascending; from the local number of one on, both sites' numbers differ by what
 *     they differ by there
 */
public record Role(GroupRole state, int tenure, @Nullable UUID source, List<Stretch> stretches) {
    static final String KEY = "role";

    /** What every group begins as. */
    static final Role FIRST = new Role(GroupRole.ACTIVE, 0, null, List.of());

    public Role {
        stretches = List.copyOf(stretches);
    }

    /** The local record {@code localSequence} is the source's {@code sourceSequence}. */
    public record Stretch(long localSequence, long sourceSequence) {}

    Role with(GroupRole next, int newTenure) {
        return new Role(next, newTenure, source, stretches);
    }

    /** The source's number of a local record of the newest stretch. */
    long toSource(long localSequence) {
        Stretch newest = stretches.getLast();
        return newest.sourceSequence() + (localSequence - newest.localSequence());
    }

    /** The local number of a source's record of the newest stretch. */
    long toLocal(long sourceSequence) {
        Stretch newest = stretches.getLast();
        return newest.localSequence() + (sourceSequence - newest.sourceSequence());
    }

    byte[] encode() {
        ByteBuf value = AttributeFormat.begin();
        value.writeByte(state.code()).writeIntLE(tenure);
        value.writeBoolean(source != null);
        if (source != null) {
            AttributeFormat.writeUuid(value, source);
        }
        value.writeIntLE(stretches.size());
        for (Stretch stretch : stretches) {
            value.writeLongLE(stretch.localSequence()).writeLongLE(stretch.sourceSequence());
        }
        return AttributeFormat.end(value);
    }

    static Role decode(byte[] bytes) throws ReplicaException {
        GroupRole state = GroupRole.ofCode(AttributeFormat.read(KEY, bytes, ByteBuf::readByte));
        return AttributeFormat.read(KEY, bytes, value -> decode(state, value));
    }

    private static Role decode(GroupRole state, ByteBuf value) {
        value.readByte();
        int tenure = value.readIntLE();
        UUID source = value.readBoolean() ? AttributeFormat.readUuid(value) : null;
        List<Stretch> stretches = new ArrayList<>();
        int count = value.readIntLE();
        for (int i = 0; i < count; i++) {
            stretches.add(new Stretch(value.readLongLE(), value.readLongLE()));
        }
        return new Role(state, tenure, source, stretches);
    }
}
