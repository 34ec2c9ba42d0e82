package dev.tidemark.replica.ship;

import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.ship.SiteMessages.News;

/** Whose a group is, as follows from how it stands here and at a peer that was asked. */
public enum Whose {
    /** The peer does not know better than this site. */
    UNKNOWN,
    /** This site's, in the peer's tenure: hosts may be served. */
    OURS,
    /** Another site's, in the peer's tenure: hosts are refused here. */
    THEIRS,
    /** Active at both, in the same tenure: a person says which of the two is kept. */
    BOTH;

    /**
     * Decides.
     *
     * @param leaving whether this site was about to give the group to that peer, and has not heard
     *     whether that one took it
     * @param there what the peer said
     * @param ofThisSite whether the source that it named is this site
     */
    public static Whose of(Role here, boolean leaving, News there, boolean ofThisSite) {
        if (there.taking()) {
            return UNKNOWN;
        }
        boolean newer = there.tenure() > here.tenure();
        boolean same = there.tenure() == here.tenure();
        boolean fenced = here.state() == GroupRole.FENCED;
        return switch (there.role()) {
            case ACTIVE -> {
                if (newer || (same && fenced)) {
                    yield THEIRS;
                }
                yield same && here.state() == GroupRole.ACTIVE ? BOTH : UNKNOWN;
            }
            case STANDBY, REJOINING -> {
                if (ofThisSite) {
                    // That a copy is this site's in the tenure that fenced this one says nothing:
                    // it may not have heard of who has the group.
                    yield newer || (same && (!fenced || leaving)) ? OURS : UNKNOWN;
                }
                // A copy that follows a third site by now.
                yield newer && there.role() == GroupRole.STANDBY ? THEIRS : UNKNOWN;
            }
            case FENCED -> UNKNOWN;
        };
    }
}
