package dev.tidemark.replica;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A group's role at this site, as the manifest keeps it under {@code role}: version, state u8,
 * tenure u32, an optional source's site id, count of stretches u32 and those, an optional takeover,
 * an optional rejoining. What is optional has a boolean before it.
 *
 * @param tenure in force as far as this site knows; the upper half of epochs
 * @param source the site whose records a copy takes, or took last; null for a group that never was
 *     a copy
 * @param stretches ascending; from the local number of one on, both sites' numbers differ by what
 *     they differ by there
 * @param takeover how this site became active; null when it always was, and of a copy
 * @param rejoining where to, while it is on its way to be a copy
 */
public record Role(
        GroupRole state,
        int tenure,
        @Nullable UUID source,
        List<Stretch> stretches,
        @Nullable Takeover takeover,
        @Nullable Rejoining rejoining) {
    static final String KEY = "role";

    /** An epoch is the tenure, then the promotions within it. */
    static final int TENURE_SHIFT = 16;

    /** In place of a source's number: it has none for that record. */
    static final long UNKNOWN = -1;

    /** What epochs have room for. */
    public static final int MAXIMUM_TENURE = 0x7fff;

    /**
     * The greatest that another site is believed: what it says leaves room to take over from it.
     */
    public static final int BELIEVED_TENURE = MAXIMUM_TENURE - 0xff;

    /** Which breaks of the order are remembered. */
    private static final int MAXIMUM_STRETCHES = 64;

    /** What every group begins as. */
    static final Role FIRST = new Role(GroupRole.ACTIVE, 0, null, List.of(), null, null);

    public Role {
        stretches = List.copyOf(stretches);
    }

    /** A copy that begins. */
    static Role standby(int tenure, UUID source, Stretch first) {
        return new Role(GroupRole.STANDBY, tenure, source, List.of(first), null, null);
    }

    /**
     * The local record {@code localSequence} is the source's {@code sourceSequence}.
     *
     * @param source whose numbers these are
     * @param sourceSequence {@link Role#UNKNOWN} for a copy that is to be synchronised first
     * @param sourcePoint the source's number of what the local record shows: another one where the
     *     source goes on with a takeover, which set it to a point
     * @param floorMicros time of the local record: those of the source that are older have this one
     *     here, since time does not go back in a log; 0 when the local record has the source's time
     */
    public record Stretch(
            UUID source,
            long localSequence,
            long sourceSequence,
            long sourcePoint,
            long floorMicros) {
        /** One in which nothing is known to be the source's. */
        static Stretch ofUnknown(UUID source, long localSequence, long floorMicros) {
            return new Stretch(source, localSequence, UNKNOWN, UNKNOWN, floorMicros);
        }

        boolean isKnown() {
            return sourceSequence >= 0;
        }

        void write(ByteBuf into) {
            AttributeFormat.writeUuid(into, source);
            into.writeLongLE(localSequence).writeLongLE(sourceSequence);
            into.writeLongLE(sourcePoint).writeLongLE(floorMicros);
        }

        static Stretch read(ByteBuf from) {
            return new Stretch(
                    AttributeFormat.readUuid(from),
                    from.readLongLE(),
                    from.readLongLE(),
                    from.readLongLE(),
                    from.readLongLE());
        }
    }

    /**
     * How this site became active.
     *
     * @param from the site it took the group over from
     * @param pointSource that site's number of the point; -1 when it is none of its numbers
     * @param pointLocal this site's number of the point
     * @param lastSource that site's number of the last record this site had of it
     * @param lastLocal this site's number of that record; the PROMOTE record comes next
     */
    public record Takeover(
            UUID from, long pointSource, long pointLocal, long lastSource, long lastLocal) {
        void write(ByteBuf into) {
            AttributeFormat.writeUuid(into, from);
            into.writeLongLE(pointSource).writeLongLE(pointLocal);
            into.writeLongLE(lastSource).writeLongLE(lastLocal);
        }

        static Takeover read(ByteBuf from) {
            return new Takeover(
                    AttributeFormat.readUuid(from),
                    from.readLongLE(),
                    from.readLongLE(),
                    from.readLongLE(),
                    from.readLongLE());
        }
    }

    /**
     * Where a group on its way to be a copy is going.
     *
     * @param point local number of the newest record that both histories have
     * @param sourceSequence the source's number of its last record before those that the copy lacks
     * @param sourcePoint the source's number of the point
     * @param epoch of the rollback to the point; 0 before it has begun
     */
    public record Rejoining(long point, long sourceSequence, long sourcePoint, int epoch) {
        void write(ByteBuf into) {
            into.writeLongLE(point).writeLongLE(sourceSequence);
            into.writeLongLE(sourcePoint).writeIntLE(epoch);
        }

        static Rejoining read(ByteBuf from) {
            return new Rejoining(
                    from.readLongLE(), from.readLongLE(), from.readLongLE(), from.readIntLE());
        }

        Rejoining begun(int withEpoch) {
            return new Rejoining(point, sourceSequence, sourcePoint, withEpoch);
        }
    }

    Role with(GroupRole next, int newTenure) {
        return new Role(next, newTenure, source, stretches, takeover, rejoining);
    }

    /**
     * Active in place of the source, set to a point by the promotion after {@code lastLocal}.
     *
     * @param lastSource the source's number of the last record that this site had of it, in order
     */
    Role takenOver(int newTenure, long pointLocal, long lastLocal, long lastSource) {
        Takeover how =
                source == null
                        ? null
                        : new Takeover(
                                source,
                                pointInSource(pointLocal),
                                pointLocal,
                                lastSource,
                                lastLocal);
        return new Role(GroupRole.ACTIVE, newTenure, source, stretches, how, null);
    }

    Role rejoining(UUID of, int newTenure, Rejoining where) {
        return new Role(GroupRole.REJOINING, newTenure, of, stretches, takeover, where);
    }

    /** A copy, from the beginning of a new stretch on. */
    Role rejoined(Stretch begin) {
        return following(tenure, begin);
    }

    /** A copy of the stretch's source. */
    Role following(int newTenure, Stretch begin) {
        List<Stretch> all = new ArrayList<>(stretches);
        all.add(begin);
        if (all.size() > MAXIMUM_STRETCHES) {
            all.removeFirst();
        }
        return new Role(GroupRole.STANDBY, newTenure, begin.source(), all, null, null);
    }

    /** For other sites: how this one became active; null when it always was. */
    public @Nullable Succession succession() {
        Takeover how = takeover;
        if (how == null) {
            return null;
        }
        Stretch begin = newest();
        boolean inOrder = begin.isKnown() && toSource(how.lastLocal()) == how.lastSource();
        // Where the stretch begins with another point's content, the record after it is the first.
        int notThere = begin.sourcePoint() == begin.sourceSequence() ? 0 : 1;
        return new Succession(
                how.from(),
                inOrder ? begin.sourceSequence() + notThere : Succession.NOWHERE,
                how.pointSource(),
                how.lastSource(),
                how.lastLocal(),
                how.pointLocal());
    }

    /** Where the numbers in force began. */
    Stretch newest() {
        return stretches.getLast();
    }

    /** Whether this group's records were ever those of a site. */
    public boolean hasFollowed(UUID site) {
        return stretches.stream().anyMatch(stretch -> stretch.source().equals(site));
    }

    /** The source's number of a local record of the newest stretch; -1 when it has none. */
    public long toSource(long localSequence) {
        return newest().isKnown()
                ? newest().sourceSequence() + (localSequence - newest().localSequence())
                : UNKNOWN;
    }

    /** The source's number of what a local record shows; -1 before the newest stretch. */
    long pointInSource(long localSequence) {
        if (localSequence < newest().localSequence() || !newest().isKnown()) {
            return UNKNOWN;
        }
        return localSequence == newest().localSequence()
                ? newest().sourcePoint()
                : toSource(localSequence);
    }

    /** The local number of a source's record of the newest stretch. */
    long toLocal(long sourceSequence) {
        return newest().localSequence() + (sourceSequence - newest().sourceSequence());
    }

    byte[] encode() {
        ByteBuf value = AttributeFormat.begin();
        value.writeByte(state.code()).writeIntLE(tenure);
        value.writeBoolean(source != null);
        if (source != null) {
            AttributeFormat.writeUuid(value, source);
        }
        value.writeIntLE(stretches.size());
        stretches.forEach(stretch -> stretch.write(value));
        value.writeBoolean(takeover != null);
        if (takeover != null) {
            takeover.write(value);
        }
        value.writeBoolean(rejoining != null);
        if (rejoining != null) {
            rejoining.write(value);
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
            stretches.add(Stretch.read(value));
        }
        Takeover takeover = value.readBoolean() ? Takeover.read(value) : null;
        Rejoining rejoining = value.readBoolean() ? Rejoining.read(value) : null;
        return new Role(state, tenure, source, stretches, takeover, rejoining);
    }
}
