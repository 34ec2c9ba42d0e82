package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.service.Group;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.SiteMessages.News;
import dev.tidemark.replica.ship.Whose;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/**
 * Asks peers whether they are active in a group that is active here: two copies of one site's group
 * may have been failed over to, and none of the two need ship to the other. Asked when there is a
 * link, after a takeover, and for as long as it is so. Thread-safe.
 */
final class Comparing {
    /** Asked at the same time; a peer refuses more than 256 requests. */
    private static final int AT_ONCE = 64;

    private final HandoverMeans means;
    private final Tenures tenures;

    /** Questions that wait for their answers. */
    private final Set<Rivals.Key> asked = ConcurrentHashMap.newKeySet();

    Comparing(HandoverMeans means, Tenures tenures) {
        this.means = means;
        this.tenures = tenures;
    }

    /** There is a link: what was ever taken over here may be active there too. */
    void up(UUID peer) {
        for (Group group : means.groups().all()) {
            Role role = group.engine().role();
            if (role.state() == GroupRole.ACTIVE && role.tenure() > 0) {
                means.rivals().suspect(new Rivals.Key(group.row().id(), peer));
            }
        }
    }

    /**
     * Now and then: asks whoever is suspected, and whoever is known to have a group too. Returns at
     * once.
     *
     * @param apart runs a question, which may take seconds
     */
    void look(Executor apart) {
        means.rivals().known().forEach(means.rivals()::suspect);
        for (Rivals.Key key : means.rivals().suspected()) {
            if (asked.size() < AT_ONCE && asked.add(key)) {
                apart.execute(() -> {
                    try {
                        ask(key);
                    } finally {
                        asked.remove(key);
                    }
                });
            }
        }
    }

    private void ask(Rivals.Key key) {
        // Before it is asked: what comes up meanwhile is asked again.
        means.rivals().cleared(key);
        Group group = means.groups().get(key.group()).orElse(null);
        if (group == null || group.engine().role().state() != GroupRole.ACTIVE) {
            means.rivals().over(key, "the group is not active here any more");
        } else if (means.sites().status(key.peer()).isEmpty()) {
            means.rivals().over(key, "the other site is no longer paired with this one");
        } else if (means.sites().link(key.peer()).isPresent()) {
            ask(group, key);
        }
    }

    private void ask(Group group, Rivals.Key key) {
        try {
            News there = means.peering().ask(key.peer(), key.group(), tenure(group));
            if (there.taking()) {
                means.rivals().suspect(key);
            } else {
                compare(group, key, there);
            }
        } catch (LinkException silent) {
            if (Peering.hasNone(silent)) {
                means.rivals().over(key, "there is no such group at " + name(key) + " any more");
            } else {
                means.rivals().suspect(key);
            }
        }
    }

    private static int tenure(Group group) {
        return group.engine().role().tenure();
    }

    private void compare(Group group, Rivals.Key key, News there) {
        Role here = group.engine().role();
        boolean active = there.role() == GroupRole.ACTIVE;
        switch (Whose.of(here, false, there, means.sites().isThisSite(there.source()))) {
            case BOTH -> {
                if (isBelieved(group, key, there)
                        && means.rivals().found(group, key.peer(), there.tenure())) {
                    tell(group, key.peer());
                }
            }
            case THEIRS -> {
                if (isBelieved(group, key, there)) {
                    tenures.fence(group, key.peer(), there.tenure());
                }
            }
            case OURS, UNKNOWN -> {
                if (active) {
                    // In an older tenure: it has not heard of the one here.
                    tell(group, key.peer());
                } else if (there.tenure() <= here.tenure()) {
                    means.rivals().over(key, name(key) + " has given way: it is active here only");
                }
            }
        }
    }

    /**
     * The peer is fenced when its tenure is older, and looks for itself when it is the same. Blocks
     * for seconds at most.
     */
    void tell(Group group, UUID peer) {
        var _ = means.peering().fence(peer, group.row().id(), tenure(group));
    }

    /** As an offer of the peer's would be. */
    private boolean isBelieved(Group group, Rivals.Key key, News there) {
        Role role = group.engine().role();
        Relations relations = means.relations();
        UUID source = there.source();
        return means.rivals().isKnown(key)
                || relations.isRelated(group, role, key.peer())
                || (source != null && relations.isRelated(group, role, source));
    }

    private String name(Rivals.Key key) {
        return means.sites().peerName(key.peer());
    }
}
