package dev.tidemark.replica.ship;

import dev.tidemark.replica.GroupRole;
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
    private final ProtectionGroup group;
    private final GroupShipping.Terms terms;

    /** The tenure in which a channel was open last; -1 before that. */
    private int offeredTenure = -1;

    Offering(ProtectionGroup group, GroupShipping.Terms terms) {
        this.group = group;
        this.terms = terms;
    }

    /**
     * Whether the group is this site's to offer: while it is active, and while it is on its way
     * out, in the tenure in which it was offered before. The tenure that it is fenced in, or a copy
     * in, is another site's, which a copy must not learn from here.
     */
    boolean isAllowed(Role role) {
        return role.state() == GroupRole.ACTIVE
                || (role.state() == GroupRole.FENCED && role.tenure() == offeredTenure);
    }

    /** What the peer is told, with the volumes that there are now. */
    GroupOffer offer(Role role) throws ReplicaException {
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
                group.id(),
                role.tenure(),
                terms.unitBytes(),
                role.succession(),
                terms.name(),
                volumes);
    }

    /** The peer has opened a channel in a tenure. */
    void opened(int tenure) {
        offeredTenure = tenure;
    }
}
