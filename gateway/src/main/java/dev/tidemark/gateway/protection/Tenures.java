package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.catalogue.HandoverRow.Phase;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.SiteMessages.News;
import dev.tidemark.replica.ship.Whose;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/**
 * Whose a group is, as sites tell and ask each other: a site that learns of a newer tenure fences
 * its group, and one that is given a tenure takes its group up again. Thread-safe; methods block.
 */
final class Tenures {
    private final HandoverMeans means;

    /** Questions that wait for their answers: one at a time about a group, of a peer. */
    private final Set<Asked> asked = ConcurrentHashMap.newKeySet();

    private record Asked(UUID group, UUID peer) {}

    Tenures(HandoverMeans means) {
        this.means = means;
    }

    static LinkException unknown() {
        return LinkException.refusal(LinkException.CODE_UNKNOWN, "there is no such group here");
    }

    /** What peers are told. */
    News state(UUID group) throws LinkException {
        return news(means.groups().get(group).orElseThrow(Tenures::unknown));
    }

    /** How a group stands here. */
    News news(Group group) {
        Role role = group.engine().role();
        HandoverRow row = means.rows().of(group.row().id()).orElse(null);
        return new News(
                role.state(),
                role.tenure(),
                group.engine().status().headSequence(),
                row != null && row.phase() == Phase.TAKING,
                role.source());
    }

    /** A peer has claimed a newer tenure; returns the last number here. */
    long fence(UUID peer, UUID id, int tenure) throws LinkException {
        Group group = means.groups().get(id).orElseThrow(Tenures::unknown);
        Role role = group.engine().role();
        if (role.state() == GroupRole.ACTIVE && tenure > 0 && tenure == role.tenure()) {
            // It is active there too, as it says: this site asks it in turn.
            means.rivals().suspect(new Rivals.Key(id, peer));
            return group.engine().status().durableSequence();
        }
        Role.Takeover how = role.takeover();
        boolean related =
                means.protections().find(group, peer).isPresent()
                        || peer.equals(role.source())
                        || (how != null && peer.equals(how.from()))
                        || means.rivals().isKnown(new Rivals.Key(id, peer));
        if (!related) {
            if (role.state() == GroupRole.ACTIVE && tenure > role.tenure()) {
                // Another copy may have taken over from this site: it is asked, and then believed.
                means.rivals().suspect(new Rivals.Key(id, peer));
            }
            throw LinkException.refusal(
                    LinkException.CODE_UNKNOWN, "the group is not copied to your site");
        }
        return fence(group, peer, tenure);
    }

    /** Another site has the group, in that tenure; returns the last number here. */
    long fence(Group group, UUID peer, int tenure) {
        boolean served = group.engine().role().state() == GroupRole.ACTIVE;
        long last = Engine.await(group.engine().fence(tenure));
        if (served && group.engine().role().state() == GroupRole.FENCED) {
            UUID id = group.row().id();
            means.volumes().announce(group);
            means.rows().endTaken(id);
            means.rivals().overAll(id, "another site has the group, tenure " + tenure);
            means.alerts()
                    .raise(
                            Alerts.Severity.WARNING,
                            Alerts.GROUP_FENCED,
                            group.name(),
                            means.sites().peerName(peer)
                                    + " takes the group over, tenure "
                                    + tenure
                                    + ": hosts are refused here");
        }
        return last;
    }

    /** A peer said, one way or the other, that it knows better whose the group is. */
    void ask(UUID id, UUID peer) {
        Optional<Group> found = means.groups().get(id);
        if (found.isEmpty() || means.attendance().isAttended(id)) {
            return;
        }
        Group group = found.get();
        Role role = group.engine().role();
        Optional<News> news = means.peering().state(peer, id, role.tenure());
        if (news.isEmpty()) {
            return;
        }
        News there = news.get();
        HandoverRow row = means.rows().of(id).orElse(null);
        boolean leaving = row != null && row.phase() == Phase.LEAVING && peer.equals(row.peer());
        boolean ofThisSite = means.sites().isThisSite(there.source());
        switch (Whose.of(role, leaving, there, ofThisSite)) {
            case THEIRS -> {
                fence(group, peer, there.tenure());
                means.rows().endLeaving(row);
            }
            case OURS -> {
                reinstate(group, peer, there.tenure());
                means.rows().endLeaving(row);
            }
            case BOTH -> means.rivals().suspect(new Rivals.Key(id, peer));
            case UNKNOWN -> {
                // It is asked again.
            }
        }
    }

    private void reinstate(Group group, UUID peer, int tenure) {
        boolean refused = group.engine().role().state() == GroupRole.FENCED;
        Engine.await(group.engine().reinstate(tenure));
        if (refused && group.engine().role().state() == GroupRole.ACTIVE) {
            means.volumes().announce(group);
            means.alerts()
                    .raise(
                            Alerts.Severity.WARNING,
                            Alerts.GROUP_TAKEN,
                            group.name(),
                            means.sites().peerName(peer)
                                    + " has given the group back, tenure "
                                    + tenure
                                    + ": hosts are served here again");
        }
        means.protections().offerAnew(group.row().id());
    }

    /**
     * Now and then: fenced groups whose other site can be asked whose they are. Returns at once: a
     * peer that is silent delays no other, and no other group.
     *
     * @param apart runs a question, which may take seconds
     */
    void look(Executor apart) {
        for (Group group : means.groups().all()) {
            UUID id = group.row().id();
            if (means.attendance().isAttended(id)
                    || group.engine().role().state() != GroupRole.FENCED) {
                continue;
            }
            HandoverRow row = means.rows().of(id).orElse(null);
            if (row != null && row.phase() == Phase.LEAVING) {
                askApart(new Asked(id, row.peer()), apart);
            } else {
                means.protections()
                        .of(id)
                        .forEach(one -> askApart(new Asked(id, one.peer()), apart));
            }
        }
    }

    private void askApart(Asked one, Executor apart) {
        if (asked.add(one)) {
            apart.execute(() -> {
                try {
                    ask(one.group(), one.peer());
                } finally {
                    asked.remove(one);
                }
            });
        }
    }

    /** There is a link: the site that this one took a group over from may not know of it. */
    void tell(UUID peer) {
        for (Group group : means.groups().all()) {
            Role role = group.engine().role();
            Role.Takeover how = role.takeover();
            if (role.state() == GroupRole.ACTIVE && how != null && peer.equals(how.from())) {
                var _ = means.peering().fence(peer, group.row().id(), role.tenure());
            }
        }
    }
}
