package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.Role;
import io.micrometer.core.instrument.Tags;
import java.time.Clock;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Groups that are active here and, in the same tenure, at a peer, as far as that is known now: both
 * serve their hosts, and neither gives way by itself. Known in memory only: after a start it is
 * found out again with the first link. Thread-safe.
 */
final class Rivals {
    private final Sites sites;
    private final Alerts alerts;
    private final ProtectionMetrics metrics;
    private final Function<UUID, String> names;
    private final Clock clock;
    private final Map<Key, Rival> known = new ConcurrentHashMap<>();

    /** In the order in which they are asked. */
    private final Set<Key> suspected = new LinkedHashSet<>(); // guarded by itself

    /** A group at a peer. */
    record Key(UUID group, UUID peer) {}

    /**
     * A peer that has the group too.
     *
     * @param tenure in which it said so last
     * @param sinceMicros when this site learned of it
     */
    record Rival(UUID group, UUID peer, int tenure, long sinceMicros) {}

    /**
     * What it works with.
     *
     * @param names the name of a group
     */
    Rivals(
            Sites sites,
            Alerts alerts,
            ProtectionMetrics metrics,
            Function<UUID, String> names,
            Clock clock) {
        this.sites = sites;
        this.alerts = alerts;
        this.metrics = metrics;
        this.names = names;
        this.clock = clock;
    }

    /** A peer may have a group that is active here: it is to be asked, until it has answered. */
    void suspect(Key key) {
        synchronized (suspected) {
            suspected.add(key);
        }
    }

    /** A peer is being asked. */
    void cleared(Key key) {
        synchronized (suspected) {
            suspected.remove(key);
        }
    }

    /** Who is to be asked, whoever waits longest first. */
    List<Key> suspected() {
        synchronized (suspected) {
            return List.copyOf(suspected);
        }
    }

    /** A peer has the group in this site's tenure; true when that was not known. */
    boolean found(Group group, UUID peer, int tenure) {
        UUID id = group.row().id();
        Key key = new Key(id, peer);
        Rival before = known.get(key);
        Rival now =
                new Rival(
                        id,
                        peer,
                        tenure,
                        before == null ? Timestamps.micros(clock.instant()) : before.sinceMicros());
        if (known.put(key, now) != null) {
            return false;
        }
        String site = sites.peerName(peer);
        metrics.addAlsoActive(
                key,
                Tags.of("group", group.name(), "peer", site),
                () -> isActive(group, known.get(key)) ? 1 : 0);
        alerts.raise(
                Alerts.Severity.CRITICAL,
                Alerts.GROUP_ACTIVE_TWICE,
                group.name(),
                "active at "
                        + site
                        + " too, in the same tenure "
                        + tenure
                        + ": hosts write to both, and neither gives way by itself. Decide which one"
                        + " is kept; to keep the one here: tidemark group keep "
                        + group.name()
                        + " --over "
                        + site);
        return true;
    }

    /** A peer has it no longer, or this site has not. */
    void over(Key key, String why) {
        if (known.remove(key) != null) {
            metrics.remove(key);
            alerts.raise(
                    Alerts.Severity.INFO, Alerts.GROUP_ACTIVE_ONCE, names.apply(key.group()), why);
        }
    }

    /** This site has it no longer. */
    void overAll(UUID group, String why) {
        known().stream().filter(key -> key.group().equals(group)).forEach(key -> over(key, why));
    }

    boolean isKnown(Key key) {
        return known.containsKey(key);
    }

    /** Everything that was found and is not over yet. */
    Set<Key> known() {
        return Set.copyOf(known.keySet());
    }

    /** Who else is active in a group's tenure, those that are known longest first. */
    List<Rival> of(Group group) {
        return known.values().stream()
                .filter(rival -> rival.group().equals(group.row().id()) && isActive(group, rival))
                .sorted(Comparator.comparingLong(Rival::sinceMicros))
                .toList();
    }

    /** Whether neither of the two has the greater tenure. */
    private static boolean isActive(Group group, @Nullable Rival rival) {
        Role role = group.engine().role();
        return rival != null && role.state() == GroupRole.ACTIVE && role.tenure() == rival.tenure();
    }
}
