package dev.tidemark.replica.ship;

import dev.tidemark.replica.PointVolume;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.Succession;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What an active site says of a group when it opens a channel for it.
 *
 * <pre>
 *  group 16 | tenure u32 | unit bytes u32 | taken over u8 | takeover, when it was | name text
 *  count u32 | volumes
 *  a takeover: from site 16 | since u64 | point u64 | shipped u64 | last record u64 | own point u64
 *  a volume: id u32 | size u64 | name text
 * </pre>
 *
 * @param tenure the generation of the group's rights to be written, as this site knows it
 * @param unitBytes storage unit of its journal: the copy's must not be smaller
 * @param takeover how this site became active, for the site that was before; null when it always
 *     was
 */
public record GroupOffer(
        UUID group,
        int tenure,
        int unitBytes,
        @Nullable Succession takeover,
        String name,
        List<OfferedVolume> volumes) {
    static final int MAXIMUM_VOLUMES = 1024;

    private static final int TAKEOVER_BYTES = 56;

    public GroupOffer {
        volumes = List.copyOf(volumes);
    }

    /**
     * A volume of the source.
     *
     * @param sizeBytes its first, or of a site that took over, what it was then: what it has become
     *     since is told by its RESIZE records, or before an initial synchronisation
     */
    public record OfferedVolume(int id, long sizeBytes, String name) {
        void encode(ByteBuf into) {
            into.writeIntLE(id).writeLongLE(sizeBytes);
            Bytes.writeText(into, name);
        }

        static OfferedVolume decode(ByteBuf from) throws MalformedMessageException {
            Bytes.require(from, 12);
            int id = from.readIntLE();
            long size = from.readLongLE();
            if (id < 1 || size < 1) {
                throw new MalformedMessageException("volume " + id + " of " + size + " bytes");
            }
            return new OfferedVolume(id, size, Bytes.readName(from));
        }
    }

    /**
     * Has a group become a copy of the site that offers: see {@link ProtectionGroup#follow}.
     *
     * @param source the site that offers
     * @param how it took the group over from the site whose numbers this group knows; null when it
     *     did not
     * @param names what the volumes that it lacks are called here, by volume
     */
    public CompletableFuture<Void> follow(
            ProtectionGroup copy,
            UUID source,
            @Nullable Succession how,
            Map<Integer, String> names) {
        List<PointVolume> wanted =
                volumes.stream()
                        .map(each ->
                                new PointVolume(
                                        each.id(),
                                        names.getOrDefault(each.id(), each.name()),
                                        each.sizeBytes()))
                        .toList();
        return copy.follow(source, tenure, how, wanted);
    }

    /**
     * Whether it goes on with what a site began.
     *
     * @param peer who makes the offer
     * @param before who began
     */
    public boolean isOf(UUID peer, UUID before) {
        return peer.equals(before) || (takeover != null && takeover.from().equals(before));
    }

    /** Names of the volumes, by volume. */
    public Map<Integer, String> volumeNames() {
        Map<Integer, String> names = new TreeMap<>();
        volumes.forEach(volume -> names.put(volume.id(), volume.name()));
        return names;
    }

    ByteBuf encode() {
        ByteBuf body = Unpooled.buffer(64 + 64 * volumes.size());
        Bytes.writeUuid(body, group);
        body.writeIntLE(tenure).writeIntLE(unitBytes);
        body.writeBoolean(takeover != null);
        if (takeover != null) {
            Bytes.writeUuid(body, takeover.from());
            body.writeLongLE(takeover.since())
                    .writeLongLE(takeover.point())
                    .writeLongLE(takeover.shipped())
                    .writeLongLE(takeover.last())
                    .writeLongLE(takeover.ownPoint());
        }
        Bytes.writeText(body, name);
        body.writeIntLE(volumes.size());
        volumes.forEach(volume -> volume.encode(body));
        return body;
    }

    static GroupOffer decode(ByteBuf body) throws MalformedMessageException {
        Bytes.require(body, 25);
        UUID group = Bytes.readUuid(body);
        int tenure = body.readIntLE();
        int unitBytes = body.readIntLE();
        Succession takeover = null;
        if (body.readBoolean()) {
            Bytes.require(body, TAKEOVER_BYTES);
            takeover =
                    new Succession(
                            Bytes.readUuid(body),
                            body.readLongLE(),
                            body.readLongLE(),
                            body.readLongLE(),
                            body.readLongLE(),
                            body.readLongLE());
        }
        String name = Bytes.readText(body);
        Bytes.require(body, 4);
        int count = body.readIntLE();
        if (tenure < 0 || tenure > Role.BELIEVED_TENURE || count < 0 || count > MAXIMUM_VOLUMES) {
            throw new MalformedMessageException(
                    "tenure " + tenure + ", " + count + " volumes; at most " + MAXIMUM_VOLUMES);
        }
        List<OfferedVolume> volumes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            volumes.add(OfferedVolume.decode(body));
        }
        return new GroupOffer(group, tenure, unitBytes, takeover, name, volumes);
    }
}
