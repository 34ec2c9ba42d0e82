package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.ArrivalRow;
import dev.tidemark.gateway.catalogue.TestRow;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.text.Names;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.PromotionTask;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.StandbyStart;
import dev.tidemark.replica.Succession;
import dev.tidemark.replica.SyncImages;
import dev.tidemark.replica.VolumeInfo;
import dev.tidemark.replica.ship.CopyHost;
import dev.tidemark.replica.ship.GroupOffer;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Copies of other sites' groups at this site. Methods block. */
final class Copies implements CopyHost {
    private static final Logger log = LoggerFactory.getLogger(Copies.class);

    /** Copies of one peer's that are being made at the same time. */
    private static final int MAXIMUM_ARRIVALS = 256;

    private final Groups groups;
    private final RecoveryTests tests;
    private final Means means;

    /**
     * What it needs to know of others.
     *
     * @param names the name of a peer
     * @param relations which sites a group is given to
     * @param seeding whether images of a group are being put in place
     * @param changed is told of a group whose role or volumes are others now
     */
    record Means(
            int unitBytes,
            Alerts alerts,
            Function<UUID, String> names,
            Relations relations,
            Predicate<UUID> seeding,
            Changed changed) {}

    /** Hears of groups that are no longer what they were. */
    interface Changed {
        void changed(Group group);
    }

    Copies(Groups groups, RecoveryTests tests, Means means) {
        this.groups = groups;
        this.tests = tests;
        this.means = means;
    }

    @Override
    public @Nullable ProtectionGroup find(UUID group) {
        return groups.get(group).map(Group::engine).orElse(null);
    }

    /** What a problem is to the peer: one that will not go away by itself is INVALID. */
    private static ReplicaException told(ProblemException problem) {
        boolean lasting =
                problem.problem().kind() == ProblemKind.EXISTS
                        || problem.problem().kind() == ProblemKind.INVALID
                        || problem.problem().kind() == ProblemKind.OUTSIDE_WINDOW
                        || problem.problem().kind() == ProblemKind.NOT_FOUND;
        return new ReplicaException(
                lasting ? ReplicaException.Kind.INVALID : ReplicaException.Kind.IO,
                problem.problem().sentence(),
                problem);
    }

    @Override
    public SyncImages begin(GroupOffer offer, UUID source) throws ReplicaException {
        if (offer.unitBytes() > means.unitBytes()) {
            throw new ReplicaException(
                    ReplicaException.Kind.INVALID,
                    "journal.storage_unit is "
                            + means.unitBytes()
                            + " bytes at the other site, less than the "
                            + offer.unitBytes()
                            + " of this one: records would not fit");
        }
        requireNames(offer.volumeNames());
        requireOwnArrival(offer, source);
        if (means.seeding().test(offer.group())) {
            throw new ReplicaException(
                    ReplicaException.Kind.IO,
                    "images are being put in place at the other site; wait");
        }
        try {
            return groups.arrive(
                    offer.group(),
                    offer.name(),
                    source,
                    means.names().apply(source),
                    offer.volumes().stream().map(GroupOffer.OfferedVolume::name).toList());
        } catch (ProblemException problem) {
            throw told(problem);
        }
    }

    /** What has arrived of one site's group is not shown to another, and not changed by it. */
    private void requireOwnArrival(GroupOffer offer, UUID source) throws ReplicaException {
        int arriving = 0;
        for (ArrivalRow row : groups.arrivals()) {
            boolean same = row.group().equals(offer.group());
            if (same && !offer.isOf(source, row.peer())) {
                throw new ReplicaException(
                        ReplicaException.Kind.INVALID,
                        "the copy "
                                + row.name()
                                + " that is being made there is another site's; delete it there"
                                + " to make one of yours");
            }
            arriving += !same && row.peer().equals(source) ? 1 : 0;
        }
        if (arriving >= MAXIMUM_ARRIVALS) {
            throw new ReplicaException(
                    ReplicaException.Kind.IO,
                    arriving + " of your copies are being made at the other site; wait");
        }
    }

    /** Names of volumes are exports here. */
    private static void requireNames(Map<Integer, String> names) throws ReplicaException {
        for (String name : names.values()) {
            if (!Names.isVolumeOfPeer(name)) {
                throw new ReplicaException(
                        ReplicaException.Kind.INVALID,
                        "a volume's name has 1 to 255 letters, digits, '.', '_' or '-', begins with"
                                + " a letter or digit and not with \"test.\"");
            }
        }
    }

    @Override
    public CompletableFuture<Void> name(
            UUID group,
            UUID source,
            Map<Integer, String> wanted,
            Function<Map<Integer, String>, CompletableFuture<Void>> use) {
        try {
            requireNames(wanted);
        } catch (ReplicaException refused) {
            return CompletableFuture.failedFuture(refused);
        }
        String site = means.names().apply(source);
        return groups.volumeNames()
                .forCopy(
                        group,
                        site,
                        wanted,
                        names -> {
                            groups.get(group).ifPresent(copy -> tell(copy, site, wanted, names));
                            return use.apply(names);
                        });
    }

    /** Of volumes that get another name than their source's, and have not got it yet. */
    private void tell(
            Group copy, String site, Map<Integer, String> wanted, Map<Integer, String> names) {
        Map<Integer, String> known =
                copy.engine().volumes().stream()
                        .collect(Collectors.toMap(VolumeInfo::id, VolumeInfo::name));
        names.forEach((volume, name) -> {
            if (!name.equals(wanted.get(volume)) && !name.equals(known.get(volume))) {
                means.alerts()
                        .raise(
                                Alerts.Severity.WARNING,
                                Alerts.VOLUME_RENAMED,
                                copy.name(),
                                "the volume that is called "
                                        + wanted.get(volume)
                                        + " at "
                                        + site
                                        + " is "
                                        + name
                                        + " here: another volume has its name");
            }
        });
    }

    @Override
    public ProtectionGroup adopt(
            GroupOffer offer, UUID source, SyncImages images, StandbyStart start)
            throws ReplicaException {
        requireNames(images.names());
        try {
            Group group = groups.adopt(offer.group(), means.names().apply(source), images, start);
            means.changed().changed(group);
            return group.engine();
        } catch (ProblemException problem) {
            throw told(problem);
        }
    }

    @Override
    public String rejoin(ProtectionGroup engine, GroupOffer offer, UUID source)
            throws ReplicaException {
        Group group =
                groups.get(offer.group())
                        .orElseThrow(() ->
                                new ReplicaException(
                                        ReplicaException.Kind.NOT_FOUND, "the group was deleted"));
        try {
            return rejoin(group, offer, source);
        } catch (ProblemException problem) {
            throw told(problem);
        }
    }

    private String rejoin(Group group, GroupOffer offer, UUID source) throws ReplicaException {
        ProtectionGroup engine = group.engine();
        Role role = engine.role();
        if (role.state() != GroupRole.REJOINING) {
            requireRelated(group, role, offer, source);
            becomeCopy(group, role, offer, source);
        }
        if (engine.role().state() == GroupRole.STANDBY) {
            return "the group is a copy of yours from now on";
        }
        PromotionTask task = engine.promotion();
        return "the disks are being set back to where both histories agree"
                + (task == null
                        ? ""
                        : String.format(Locale.ROOT, ", %.0f %%", task.progress() * 100));
    }

    /** A group is not given to any paired site that asks for it. */
    private void requireRelated(Group group, Role role, GroupOffer offer, UUID source)
            throws ReplicaException {
        Succession how = offer.takeover();
        Relations relations = means.relations();
        boolean related =
                relations.isRelated(group, role, source)
                        || (how != null && relations.isRelated(group, role, how.from()));
        if (!related) {
            throw new ReplicaException(
                    ReplicaException.Kind.INVALID,
                    "the group here is "
                            + role.state().name().toLowerCase(Locale.ROOT)
                            + " and knows neither your site nor the one that you took the group"
                            + " over from; delete it here to make a new copy");
        }
    }

    private boolean isThisSite(UUID site) {
        return means.relations().isThisSite().test(site);
    }

    private void becomeCopy(Group group, Role role, GroupOffer offer, UUID source)
            throws ReplicaException {
        ProtectionGroup engine = group.engine();
        boolean copy = role.state() == GroupRole.STANDBY;
        Succession how = offer.takeover();
        if (how != null && !(copy ? how.from().equals(role.source()) : isThisSite(how.from()))) {
            how = null;
        }
        long point = copy ? engine.newestPoint() : Engine.await(engine.fence(offer.tenure()));
        long ofFrom = copy ? role.toSource(point) : point;
        long shipped = how == null ? -1 : how.shipped();
        if (shipped < 0 || ofFrom < 0 || ofFrom > shipped) {
            keepBranch(group, point, shipped, source);
        }
        log.info(
                "group={} becomes a copy of peer={}: it has seq:{}, the peer up to seq:{}",
                group.name(),
                means.names().apply(source),
                ofFrom,
                shipped);
        Map<Integer, String> lacking = offer.volumeNames();
        engine.volumes().forEach(volume -> lacking.remove(volume.id()));
        Succession known = how;
        Engine.await(
                name(
                        offer.group(),
                        source,
                        lacking,
                        names -> offer.follow(engine, source, known, names)));
        means.changed().changed(group);
    }

    /** What the other site has not got is kept as a test until somebody ends it. */
    private void keepBranch(Group group, long last, long shipped, UUID source) {
        String point = Points.canonical(last);
        boolean kept =
                tests.runningRows().stream()
                        .anyMatch(test ->
                                test.group().equals(group.row().id())
                                        && test.sequence() == last
                                        && test.startedBy().equals(TestRow.GATEWAY));
        if (!kept) {
            tests.start(
                    new StartTests(
                            group.row().id().toString(),
                            List.of(point),
                            TestRow.BRANCH
                                    + "what this site had when "
                                    + means.names().apply(source)
                                    + " took the group over; "
                                    + (shipped < 0
                                            ? "how much of it that site has is not known"
                                            : "that site has it up to seq:" + shipped),
                            TestRow.GATEWAY));
        }
    }
}
