package dev.tidemark.gateway.protection;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.gateway.catalogue.ProtectionRow;
import dev.tidemark.gateway.catalogue.ProtectionTables;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.sites.LinkServices;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.replica.CopyLack;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.ship.GroupShipping;
import dev.tidemark.replica.ship.ShippingListener;
import dev.tidemark.replica.ship.ShippingMode;
import dev.tidemark.replica.ship.ShippingState;
import dev.tidemark.replica.ship.ShippingStatus;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.time.Clock;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shipping of this site's groups to peers: one for each group and peer, as the catalogue says.
 * Thread-safe; methods may wait for the catalogue.
 */
final class Protections implements LinkServices.Watcher, ShippingListener, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Protections.class);
    private static final long KEEP_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Groups groups;
    private final Sites sites;
    private final ProtectionTables tables;
    private final Alerts alerts;
    private final Scheduler scheduler;
    private final Clock clock;
    private final Limits limits;
    private final ProtectionMetrics metrics;
    private final Map<Key, Protection> all = new ConcurrentHashMap<>();
    private final Map<UUID, Long> siteLimits = new ConcurrentHashMap<>();
    private volatile Fencing fencing = new Fencing() {};
    private volatile boolean closed;

    /** What every group is shipped with. */
    record Limits(int unitBytes, long backlogBytes) {}

    private record Key(UUID group, UUID peer) {}

    /** Hears when a peer says that it knows better whose the group is. Called anywhere. */
    interface Fencing {
        /** The peer knows a newer tenure. */
        default void fenced(UUID group, UUID peer) {}

        /** The peer gave the group back in a newer tenure. */
        default void behind(UUID group, UUID peer) {}
    }

    /** A group on its way to a peer. */
    static final class Protection {
        final GroupShipping shipping;
        volatile ProtectionRow row;
        volatile long syncBeganNanos;

        /** What the copy may lack while it has to be synchronised, as counted last. */
        volatile @Nullable CopyLack lack;

        Protection(GroupShipping shipping, ProtectionRow row) {
            this.shipping = shipping;
            this.row = row;
        }

        UUID peer() {
            return row.peer();
        }

        ShippingStatus status() {
            return shipping.status();
        }

        /** What a synchronisation would look at; 0 while none is needed. */
        long dirtyBytes() {
            CopyLack counted = lack;
            return counted == null || shipping.mode() != ShippingMode.DIRTY_MAP
                    ? 0
                    : counted.dirtyBytes();
        }
    }

    Protections(
            Groups groups,
            Sites sites,
            ProtectionTables tables,
            Alerts alerts,
            Scheduler scheduler,
            Clock clock,
            MeterRegistry registry,
            Limits limits) {
        this.metrics = new ProtectionMetrics(registry);
        this.groups = groups;
        this.sites = sites;
        this.tables = tables;
        this.alerts = alerts;
        this.scheduler = scheduler;
        this.clock = clock;
        this.limits = limits;
    }

    /** Takes up what the catalogue knows, before there is any link. */
    void open(Fencing told) {
        fencing = told;
        siteLimits.putAll(tables.peerLimits());
        for (ProtectionRow row : tables.protections()) {
            groups.get(row.group()).ifPresent(group -> start(group, row));
        }
        scheduler.schedule(KEEP_NANOS, this::keepKnown);
    }

    long backlogLimitBytes() {
        return limits.backlogBytes();
    }

    private Protection start(Group group, ProtectionRow row) {
        GroupShipping shipping =
                new GroupShipping(
                        group.engine(),
                        new GroupShipping.Terms(
                                group.name(), limits.unitBytes(), limits.backlogBytes()),
                        row.peer(),
                        row.known(),
                        scheduler,
                        this);
        Protection protection = new Protection(shipping, row);
        all.put(new Key(row.group(), row.peer()), protection);
        metrics.add(
                protection,
                Tags.of("group", group.name(), "peer", sites.peerName(row.peer())),
                protection::status);
        metrics.addDirty(
                protection,
                Tags.of("group", group.name(), "peer", sites.peerName(row.peer())),
                protection::dirtyBytes);
        shipping.limit(row.limitBytes());
        if (row.paused()) {
            shipping.pause();
        }
        sites.link(row.peer()).ifPresent(shipping::up);
        return protection;
    }

    /** Copies a group to peers from now on. */
    void protect(Group group, List<UUID> peers) {
        if (group.engine().role().state() != GroupRole.ACTIVE) {
            throw notActive(group);
        }
        for (UUID peer : peers) {
            if (find(group, peer).isPresent()) {
                throw new ProblemException(
                        new Problem(
                                ProblemKind.EXISTS,
                                "group " + group.name() + " is protected there already",
                                sites.peerName(peer),
                                null,
                                "see tidemark group show " + group.name()));
            }
        }
        for (UUID peer : peers) {
            add(group, peer, group.engine().status().headSequence(), false);
        }
    }

    /** Only the site that has the group may have copies of it deleted. */
    void requireDeletable(Group group) {
        if (group.engine().role().state() != GroupRole.ACTIVE) {
            throw notActive(group);
        }
    }

    static ProblemException notActive(Group group) {
        return new ProblemException(
                new Problem(
                        ProblemKind.IN_USE,
                        "group " + group.name() + " is not active here",
                        GroupDocuments.text(group.engine().role().state()),
                        null,
                        "do it at the site where it is active"));
    }

    /**
     * Writes a protection down and begins with it.
     *
     * @param known newest record that the peer has
     */
    void add(Group group, UUID peer, long known, boolean paused) {
        ProtectionRow row =
                new ProtectionRow(
                        group.row().id(),
                        peer,
                        Timestamps.micros(clock.instant()),
                        paused,
                        known,
                        0);
        tables.keep(row);
        start(group, row);
        log.info(
                "group={} is protected at peer={}{}",
                group.name(),
                sites.peerName(peer),
                paused ? ", to be begun" : "");
    }

    Optional<Protection> find(Group group, UUID peer) {
        return Optional.ofNullable(all.get(new Key(group.row().id(), peer)));
    }

    /** Whether a group is shipped to a peer, or was to be. */
    boolean ships(UUID group, UUID peer) {
        return all.containsKey(new Key(group, peer));
    }

    /** By peer's name or id; a problem when the group is not protected there. */
    Protection get(Group group, String site) {
        return find(group, sites.peerId(site))
                .orElseThrow(() ->
                        ProblemException.notFound(
                                "group " + group.name() + " is not protected at that site",
                                site,
                                "see tidemark group show " + group.name()));
    }

    /** Of a group, oldest first. */
    List<Protection> of(UUID group) {
        return all.values().stream()
                .filter(one -> one.row.group().equals(group))
                .sorted(Comparator.comparingLong((Protection one) -> one.row.createdMicros()))
                .toList();
    }

    /** Ships no longer; the copy stays where it is. */
    void remove(UUID group, UUID peer) {
        tables.removeProtection(group, peer);
        Protection gone = all.remove(new Key(group, peer));
        if (gone != null) {
            gone.shipping.end();
            metrics.remove(gone);
            log.info(
                    "group={} is no longer protected at peer={}",
                    groups.nameOf(group),
                    sites.peerName(peer));
        }
    }

    /** The group is no longer this site's to ship. */
    void removeAll(UUID group) {
        of(group).forEach(one -> remove(group, one.peer()));
    }

    void pause(Protection protection) {
        set(protection, true);
        protection.shipping.pause();
    }

    void resume(Protection protection) {
        set(protection, false);
        protection.shipping.resume();
    }

    /** The group is active in another tenure: copies that are kept up are to hear of it. */
    void offerAnew(UUID group) {
        of(group).stream().filter(one -> !one.row.paused()).forEach(one -> one.shipping.resume());
    }

    private void set(Protection protection, boolean paused) {
        keep(protection, protection.row.withPaused(paused));
    }

    private void keep(Protection protection, ProtectionRow next) {
        tables.keep(next);
        protection.row = next;
    }

    /** Limits what is sent to a copy a second; 0 for no limit. */
    void limit(Protection protection, long bytes) {
        keep(protection, protection.row.withLimit(bytes));
        protection.shipping.limit(bytes);
    }

    /** Limits what is sent to a peer a second, of all groups together; 0 for no limit. */
    void limitSite(UUID peer, long bytes) {
        tables.keepPeerLimit(peer, bytes);
        siteLimits.put(peer, bytes);
        sites.link(peer).ifPresent(link -> link.limit(bytes));
    }

    long siteLimitBytes(UUID peer) {
        return siteLimits.getOrDefault(peer, 0L);
    }

    /** Names of the groups that would be without a copy, or without their source. */
    List<String> uses(UUID peer) {
        return groups.all().stream()
                .filter(group ->
                        find(group, peer).isPresent()
                                || (group.engine().role().state() != GroupRole.ACTIVE
                                        && peer.equals(group.engine().role().source())))
                .map(Group::name)
                .toList();
    }

    /** Now and then: after a restart, redo is held from there on. */
    private void keepKnown() {
        scheduler
                .io()
                .execute(() -> {
                    if (closed) {
                        return;
                    }
                    all.values().forEach(this::count);
                    try {
                        all.values().forEach(this::keepKnown);
                    } catch (ProblemException e) {
                        log.warn("positions of copies are not written down: {}", e.getMessage());
                    }
                    scheduler.schedule(KEEP_NANOS, this::keepKnown);
                });
    }

    /** Counts what a copy lacks of which no records are held. */
    private void count(Protection protection) {
        if (protection.shipping.mode() != ShippingMode.DIRTY_MAP) {
            protection.lack = null;
            return;
        }
        groups.get(protection.row.group())
                .ifPresent(group -> {
                    var _ =
                            group.engine()
                                    .copyLacks(protection.peer())
                                    .whenComplete((lack, failure) -> {
                                        if (failure == null) {
                                            protection.lack = lack.orElse(null);
                                        }
                                    });
                });
    }

    private void keepKnown(Protection protection) {
        ProtectionRow row = protection.row;
        long known = protection.status().acknowledgedSequence();
        if (known > row.known() && all.containsValue(protection)) {
            keep(protection, row.withKnown(known));
        }
    }

    @Override
    public void up(Link link) {
        link.limit(siteLimitBytes(link.peer()));
        all.values().stream()
                .filter(one -> one.peer().equals(link.peer()))
                .forEach(one -> one.shipping.up(link));
    }

    @Override
    public void down(Link link, String reason) {
        all.values().stream()
                .filter(one -> one.peer().equals(link.peer()))
                .forEach(one -> one.shipping.down(link, reason));
    }

    @Override
    public void changed(UUID group, UUID peer, ShippingState state, String reason) {
        Protection protection = all.get(new Key(group, peer));
        if (protection != null && state == ShippingState.SYNCING) {
            protection.syncBeganNanos = System.nanoTime();
        }
        String name = groups.nameOf(group);
        String site = sites.peerName(peer);
        switch (state) {
            case STOPPED ->
                    alerts.raise(
                            Alerts.Severity.CRITICAL,
                            Alerts.PROTECTION_STOPPED,
                            name,
                            "the copy at " + site + " is not kept up: " + reason);
            case SHIPPING ->
                    alerts.raise(
                            Alerts.Severity.INFO,
                            Alerts.PROTECTION_SHIPPING,
                            name,
                            "records go to " + site + " as they are written");
            default ->
                    log.info(
                            "group={} peer={} is {}{}",
                            name,
                            site,
                            GroupDocuments.text(state),
                            reason.isEmpty() ? "" : ": " + reason);
        }
    }

    @Override
    public void behind(UUID group, UUID peer) {
        fencing.behind(group, peer);
    }

    @Override
    public void fenced(UUID group, UUID peer, String reason) {
        fencing.fenced(group, peer);
    }

    /** When the sync that runs began, nanoseconds. */
    static @Nullable Long began(Protection protection) {
        return protection.syncBeganNanos == 0 ? null : (Long) protection.syncBeganNanos;
    }

    @Override
    public void close() {
        closed = true;
        all.values().forEach(one -> one.shipping.close());
    }
}
