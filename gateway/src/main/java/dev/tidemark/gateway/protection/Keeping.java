package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Required;
import dev.tidemark.gateway.wire.Requests.Keep;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.SiteMessages.News;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which one of two sites that are active in the same tenure is kept, as a person says: the one here
 * goes on in a greater tenure, and so the other one has to give way. The tenure is durable before
 * anybody is told of it, and it is all that there is to write: a site that stops at any moment has
 * either claimed it or not. Thread-safe; methods block.
 */
final class Keeping {
    private static final Logger log = LoggerFactory.getLogger(Keeping.class);

    private final HandoverMeans means;
    private final Comparing comparing;

    Keeping(HandoverMeans means, Comparing comparing) {
        this.means = means;
        this.comparing = comparing;
    }

    /** Keeps the group here; done again, it only tells the other site again. */
    void keep(Group group, Keep request) {
        UUID peer = means.sites().peerId(Required.text("over", request.over()));
        Role here = group.engine().role();
        if (here.state() != GroupRole.ACTIVE) {
            throw Protections.notActive(group);
        }
        if (means.attendance().isAttended(group.row().id())) {
            throw refusal(ProblemKind.IN_USE, group, "is changing sites", null, "wait for its end");
        }
        News there = ask(group, peer, here);
        if (isRival(here, there)) {
            claim(group, peer, here);
        } else if (!hasGivenWay(here, there)) {
            throw refusal(
                    ProblemKind.INVALID,
                    group,
                    "is not active at " + means.sites().peerName(peer) + " too",
                    GroupDocuments.text(there.role()) + " there, tenure " + there.tenure(),
                    "there is nothing to decide; see tidemark group show " + group.name());
        }
        comparing.tell(group, peer);
        means.rivals().suspect(new Rivals.Key(group.row().id(), peer));
        means.protections().offerAnew(group.row().id());
    }

    /** What the other site says now: it may have been kept itself meanwhile. */
    private News ask(Group group, UUID peer, Role here) {
        try {
            return means.peering().ask(peer, group.row().id(), here.tenure());
        } catch (LinkException silent) {
            boolean unknown = Peering.hasNone(silent);
            throw refusal(
                    unknown ? ProblemKind.INVALID : ProblemKind.FAILED,
                    group,
                    "is not known to be active at " + means.sites().peerName(peer),
                    silent.getMessage(),
                    unknown
                            ? "there is nothing to decide"
                            : "it can be decided once there is a link: tidemark site list");
        }
    }

    private static boolean isRival(Role here, News there) {
        return there.role() == GroupRole.ACTIVE && there.tenure() == here.tenure();
    }

    /** It was claimed before, and the other site has heard of it, or will. */
    private static boolean hasGivenWay(Role here, News there) {
        return switch (there.role()) {
            case ACTIVE -> there.tenure() < here.tenure();
            case FENCED -> there.tenure() == here.tenure();
            case STANDBY, REJOINING -> false;
        };
    }

    private void claim(Group group, UUID peer, Role here) {
        // Where both sites are told to keep theirs, one of the two claims the greater tenure.
        int tenure = here.tenure() + (means.sites().id().compareTo(peer) < 0 ? 1 : 2);
        if (tenure > Role.BELIEVED_TENURE) {
            throw refusal(
                    ProblemKind.INVALID,
                    group,
                    "has no tenure left that another site would believe",
                    "tenure " + here.tenure(),
                    "delete it at " + means.sites().peerName(peer));
        }
        Engine.await(group.engine().claim(tenure));
        log.info(
                "group={} is kept here over peer={}, tenure {}",
                group.name(),
                means.sites().peerName(peer),
                tenure);
    }

    private static ProblemException refusal(
            ProblemKind kind, Group group, String what, @Nullable String value, String remedy) {
        return new ProblemException(
                new Problem(kind, "group " + group.name() + " " + what, value, null, remedy));
    }
}
