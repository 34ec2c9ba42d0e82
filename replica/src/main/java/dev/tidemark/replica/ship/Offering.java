package dev.tidemark.replica.ship;

import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.VolumeInfo;
import dev.tidemark.replica.ship.GroupOffer.OfferedVolume;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether a group is this site's to offer to a peer, and what the peer is told of it. Of the
 * shipping's executor.
 */
final class Offering {
    /** In place of a tenure. */
    static final int NONE = -1;

    private final ProtectionGroup group;
    private final GroupShipping.Terms terms;

    /** The tenure in which a channel was open last. */
    private int offeredTenure = NONE;

    Offering(ProtectionGroup group, GroupShipping.Terms terms) {
        this.group = group;
        this.terms = terms;
    }

    /**
     * In which tenure the group is this site's to offer: the one that it is active in. On its way
     * out, the one in which a channel was open before, so that what the copy lacks still goes when
     * a link comes back; and only records: a copy is not made or synchronised by a site that has
     * lost the group to another one. The tenure that it is fenced in, or a copy in, is another
     * site's, which a copy must not learn from here.
     *
     * @param purpose of the channel, of {@link Kinds}
     * @return {@link #NONE} when it is not this site's
     */
    int tenure(Role role, int purpose) {
        return switch (role.state()) {
            case ACTIVE -> role.tenure();
            case FENCED ->
                    role.tenure() == offeredTenure || purpose == Kinds.PURPOSE_SHIPPING
                            ? offeredTenure
                            : NONE;
            case STANDBY, REJOINING -> NONE;
        };
    }

    /** What the peer is told in a tenure, with the volumes that there are now. */
    GroupOffer offer(Role role, int tenure) throws ReplicaException {
        Role.Takeover how = role.takeover();
        List<OfferedVolume> volumes = new ArrayList<>();
        for (VolumeInfo each : group.volumes()) {
            long size =
                    how == null
                            ? group.firstSizeBytes(each.id())
                            : group.sizeBytesAt(each.id(), how.lastLocal());
            volumes.add(new OfferedVolume(each.id(), size, each.name()));
        }
        return new GroupOffer(
                group.id(), tenure, terms.unitBytes(), role.succession(), terms.name(), volumes);
    }

    /** The peer has opened a channel in a tenure. */
    void opened(int tenure) {
        offeredTenure = tenure;
    }
}
