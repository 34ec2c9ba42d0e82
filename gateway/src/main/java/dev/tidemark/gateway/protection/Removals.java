package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.ProtectionTables;
import dev.tidemark.gateway.catalogue.RemovalRow;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.SiteMessages;
import dev.tidemark.replica.ship.SiteMessages.Question;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies that are to be deleted at their sites: each is asked for until it is gone, also when the
 * group is no longer here. Thread-safe; methods block.
 */
final class Removals {
    private static final Logger log = LoggerFactory.getLogger(Removals.class);

    private final Groups groups;
    private final Sites sites;
    private final ProtectionTables tables;
    private final Peering peering;
    private final HandoverRows handovers;
    private final Clock clock;
    private final Map<Key, Removal> all = new ConcurrentHashMap<>();

    private record Key(UUID group, UUID peer) {}

    /**
     * A copy that is to go.
     *
     * @param reason why it has not gone yet
     */
    record Removal(RemovalRow row, String reason) {}

    Removals(
            Groups groups,
            Sites sites,
            ProtectionTables tables,
            Peering peering,
            HandoverRows handovers,
            Clock clock) {
        this.groups = groups;
        this.sites = sites;
        this.tables = tables;
        this.peering = peering;
        this.handovers = handovers;
        this.clock = clock;
    }

    /** Takes up what the catalogue knows. */
    void open() {
        tables.removals().forEach(row -> put(row, ""));
    }

    private void put(RemovalRow row, String reason) {
        all.put(new Key(row.group(), row.peer()), new Removal(row, reason));
    }

    /** From now on the copy is to go; durable when it returns. */
    void begin(Group group, UUID peer) {
        RemovalRow row =
                new RemovalRow(
                        group.row().id(),
                        group.name(),
                        peer,
                        group.engine().role().tenure(),
                        Timestamps.micros(clock.instant()));
        tables.remove(row);
        put(row, "the other site has not been asked yet");
        log.info("group={} its copy at peer={} is to go", group.name(), sites.peerName(peer));
    }

    /** Asks no longer: what is there stays. */
    void forget(UUID group, UUID peer) {
        tables.removeRemoval(group, peer);
        all.remove(new Key(group, peer));
    }

    Optional<Removal> find(UUID group, UUID peer) {
        return Optional.ofNullable(all.get(new Key(group, peer)));
    }

    /** Of a group. */
    List<Removal> of(UUID group) {
        return all.values().stream().filter(one -> one.row().group().equals(group)).toList();
    }

    /** Names of the groups whose copies at a peer are to go. */
    List<String> uses(UUID peer) {
        return all.values().stream()
                .filter(one -> one.row().peer().equals(peer))
                .map(one -> one.row().name())
                .toList();
    }

    /** Refuses to begin anew what is to go. */
    void requireNone(Group group, UUID peer) {
        find(group.row().id(), peer)
                .ifPresent(removal -> {
                    throw new ProblemException(
                            new Problem(
                                    ProblemKind.IN_USE,
                                    "the copy of group " + group.name() + " there is being deleted",
                                    sites.peerName(peer),
                                    removal.reason(),
                                    "wait for its end; or leave it there with: tidemark group unprotect "
                                            + group.name()
                                            + " --to "
                                            + sites.peerName(peer)));
                });
    }

    /** Now and then. */
    void look() {
        all.values().forEach(this::ask);
    }

    private void ask(Removal removal) {
        RemovalRow row = removal.row();
        if (sites.status(row.peer()).isEmpty()) {
            log.warn("group={} its copy stays: the peer is no longer known", row.name());
            forget(row.group(), row.peer());
            return;
        }
        try {
            peering.delete(row.peer(), row.group(), row.tenure());
            forget(row.group(), row.peer());
            log.info("group={} its copy at peer={} is gone", row.name(), row.peer());
        } catch (LinkException refused) {
            if (refused.kind() == LinkException.Kind.REFUSED
                    && refused.code() == SiteMessages.CODE_NOT_YOURS) {
                log.warn("group={} its copy stays: {}", row.name(), refused.getMessage());
                forget(row.group(), row.peer());
            } else if (find(row.group(), row.peer()).isPresent()) {
                put(row, String.valueOf(refused.getMessage()));
            }
        }
    }

    // At the other site

    /** A peer wants its copy here deleted; returns when it is gone. */
    void delete(UUID peer, Question asked) throws LinkException {
        Optional<Group> found = groups.get(asked.group());
        if (found.isEmpty()) {
            boolean arriving =
                    groups.arrivals().stream()
                            .anyMatch(row ->
                                    row.group().equals(asked.group()) && row.peer().equals(peer));
            if (arriving) {
                delete(asked.group());
            }
            return;
        }
        Group group = found.get();
        Role role = group.engine().role();
        boolean copy = role.state() == GroupRole.STANDBY && peer.equals(role.source());
        if (!copy || role.tenure() > asked.tenure() || handovers.of(asked.group()).isPresent()) {
            throw LinkException.refusal(
                    SiteMessages.CODE_NOT_YOURS,
                    "the group is "
                            + GroupDocuments.text(role.state())
                            + " here, and no copy of yours");
        }
        delete(asked.group());
    }

    private void delete(UUID group) throws LinkException {
        try {
            groups.delete(group.toString(), true);
        } catch (ProblemException refused) {
            throw LinkException.refusal(LinkException.CODE_NOT_NOW, refused.problem().sentence());
        }
    }
}
