package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.wire.Requests.StartTests;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.PromotionTask;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.StandbyStart;
import dev.tidemark.replica.SyncImages;
import dev.tidemark.replica.ship.CopyHost;
import dev.tidemark.replica.ship.GroupOffer;
import dev.tidemark.replica.ship.GroupOffer.OfferedTakeover;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Copies of other sites' groups at this site. Methods block. */
final class Copies implements CopyHost {
    private static final Logger log = LoggerFactory.getLogger(Copies.class);

    private final Groups groups;
    private final RecoveryTests tests;
    private final Means means;

    /**
     * What it needs to know of others.
     *
     * @param names the name of a peer
     * @param seeding whether images of a group are being put in place
     * @param changed is told of a group whose role or volumes are others now
     */
    record Means(
            int unitBytes,
            Function<UUID, String> names,
            Function<UUID, Boolean> isThisSite,
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

    @Override
    public ProtectionGroup adopt(
            GroupOffer offer, UUID source, SyncImages images, StandbyStart start)
            throws ReplicaException {
        try {
            Group group = groups.adopt(offer.group(), images, start);
            means.changed().changed(group);
            return group.engine();
        } catch (ProblemException problem) {
            throw told(problem);
        }
    }

    @Override
    public void requireFree(UUID group, String volume) throws ReplicaException {
        try {
            groups.requireFreeVolumes(group, List.of(volume));
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
            OfferedTakeover takeover = offer.takeover();
            if (takeover == null
                    || takeover.point() < 0
                    || !means.isThisSite().apply(takeover.from())) {
                throw new ReplicaException(
                        ReplicaException.Kind.INVALID,
                        "the group here is "
                                + role.state().name().toLowerCase(Locale.ROOT)
                                + " and shares no record with yours that either knows of; delete it"
                                + " here to make a new copy");
            }
            long last = Engine.await(engine.fence(offer.tenure()));
            groups.requireFreeVolumes(
                    offer.group(),
                    offer.volumes().stream().map(GroupOffer.OfferedVolume::name).toList());
            if (last > takeover.shipped()) {
                keepBranch(group, last, takeover.shipped(), source);
            }
            log.info(
                    "group={} becomes a copy of peer={}: back to seq:{} of seq:{}",
                    group.name(),
                    means.names().apply(source),
                    takeover.point(),
                    last);
            Engine.await(offer.rejoin(engine, source));
            means.changed().changed(group);
        }
        PromotionTask task = engine.promotion();
        return "the disks are being set back to where both histories agree"
                + (task == null
                        ? ""
                        : String.format(Locale.ROOT, ", %.0f %%", task.progress() * 100));
    }

    /** What the other site has not got is kept as a test until somebody ends it. */
    private void keepBranch(Group group, long last, long shipped, UUID source) {
        String point = Points.canonical(last);
        boolean kept =
                tests.runningRows().stream()
                        .anyMatch(test ->
                                test.group().equals(group.row().id())
                                        && test.sequence() == last
                                        && test.startedBy().equals("gateway"));
        if (!kept) {
            tests.start(
                    new StartTests(
                            group.row().id().toString(),
                            List.of(point),
                            "branch: what this site had when "
                                    + means.names().apply(source)
                                    + " took the group over; that site has it up to seq:"
                                    + shipped,
                            "gateway"));
        }
    }
}
