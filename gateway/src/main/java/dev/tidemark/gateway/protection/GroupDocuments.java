package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.catalogue.HandoverRow.Phase;
import dev.tidemark.gateway.protection.Protections.Protection;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Wire.AlsoActive;
import dev.tidemark.gateway.wire.Wire.GroupSiting;
import dev.tidemark.gateway.wire.Wire.HandoverDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.gateway.wire.Wire.ProtectionDocument;
import dev.tidemark.gateway.wire.Wire.ReverseDocument;
import dev.tidemark.gateway.wire.Wire.SyncDocument;
import dev.tidemark.replica.CopyLack;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.GroupStatus;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.ship.ShippingMode;
import dev.tidemark.replica.ship.ShippingState;
import dev.tidemark.replica.ship.ShippingStatus;
import dev.tidemark.replica.ship.SyncProgress;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What is said of groups at several sites. */
final class GroupDocuments {
    private final Sites sites;
    private final Protections protections;
    private final Removals removals;
    private final HandoverRows handovers;
    private final Rivals rivals;
    private final RecoveryTests tests;

    GroupDocuments(
            Sites sites,
            Protections protections,
            Removals removals,
            HandoverRows handovers,
            Rivals rivals,
            RecoveryTests tests) {
        this.sites = sites;
        this.protections = protections;
        this.removals = removals;
        this.handovers = handovers;
        this.rivals = rivals;
        this.tests = tests;
    }

    static String text(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** Where a group stands when a handover has ended. */
    static PointDocument news(ProtectionGroup engine) {
        GroupStatus status = engine.status();
        return new PointDocument(
                text(engine.role().state()),
                "seq:" + status.headSequence(),
                status.headSequence(),
                Timestamps.iso(status.headMicros()),
                null);
    }

    GroupSiting of(Group group) {
        Role role = group.engine().role();
        UUID source = role.source();
        List<Protection> copies = protections.of(group.row().id());
        HandoverRow handover = handovers.of(group.row().id()).orElse(null);
        return new GroupSiting(
                text(role.state()),
                role.tenure(),
                role.state() == GroupRole.ACTIVE || source == null ? null : sites.peerName(source),
                status(group, role, copies, handover),
                rivals.of(group).stream().map(this::document).toList(),
                Stream.concat(
                                copies.stream().map(copy -> document(group, copy)),
                                removals.of(group.row().id()).stream()
                                        .map(removal -> document(group, removal)))
                        .toList(),
                handover == null ? null : document(handover));
    }

    /** The states of a group as continuous data protection names them. */
    private String status(
            Group group, Role role, List<Protection> copies, @Nullable HandoverRow handover) {
        if (handover != null && handover.phase() != Phase.TAKEN) {
            return switch (handover.phase()) {
                case LEAVING -> "moving";
                case TAKING -> "failing_over";
                default -> "rolling_back";
            };
        }
        boolean promoting = group.engine().promotion() != null;
        return switch (role.state()) {
            case STANDBY -> idle(group);
            case FENCED -> "fenced";
            case REJOINING -> "rejoining";
            case ACTIVE -> {
                if (!rivals.of(group).isEmpty()) {
                    yield "active_at_two_sites";
                }
                yield handover != null ? "failover" : active(group, role, copies, promoting);
            }
        };
    }

    /** What is done with a group that stays where it is. */
    private String idle(Group group) {
        int images = group.engine().images().size();
        if (images == 0) {
            return "protecting";
        }
        long branches =
                tests.runningRows().stream()
                        .filter(test -> test.group().equals(group.row().id()) && test.isBranch())
                        .count();
        return branches == images ? "branch" : "test";
    }

    private String active(Group group, Role role, List<Protection> copies, boolean promoting) {
        boolean missing = copies.stream().anyMatch(this::lacksConfiguration);
        Reverse reverse = reverse(role, copies);
        if (promoting) {
            return missing
                    ? "promoting_and_missing_configuration"
                    : reverse == Reverse.DONE
                            ? "promoting"
                            : "promoting_and_need_reverse_configuration";
        }
        if (missing) {
            return "missing_configuration";
        }
        if (reverse != Reverse.DONE) {
            return reverse == Reverse.PREPARED
                    ? "promotion_complete_mirrors_not_yet_activated"
                    : "need_reverse_configuration";
        }
        if (!removals.of(group.row().id()).isEmpty()) {
            return "remove_in_progress";
        }
        if (copies.isEmpty()) {
            return "unprotected";
        }
        return idle(group);
    }

    /** Whether somebody has to change something before the copy can be kept up. */
    private boolean lacksConfiguration(Protection copy) {
        return copy.status().state() == ShippingState.STOPPED
                || sites.status(copy.peer()).isEmpty();
    }

    /** How a group that was taken over stands to the site that it was taken over from. */
    private enum Reverse {
        /** It is copied there, or to other sites only, or never was taken over. */
        DONE,
        /** What that site lacks is held for it. */
        PREPARED,
        /** Nothing is. */
        NONE
    }

    private static Reverse reverse(Role role, List<Protection> copies) {
        Role.Takeover how = role.takeover();
        if (how == null) {
            return Reverse.DONE;
        }
        for (Protection copy : copies) {
            if (copy.peer().equals(how.from())) {
                return copy.row.paused() ? Reverse.PREPARED : Reverse.DONE;
            }
        }
        return copies.isEmpty() ? Reverse.NONE : Reverse.DONE;
    }

    /** How the group would be copied back; a problem when it was not taken over. */
    ReverseDocument reverse(Group group) {
        Role role = group.engine().role();
        Role.Takeover how = role.takeover();
        if (role.state() != GroupRole.ACTIVE || how == null) {
            throw Handovers.notTaken(group);
        }
        UUID site = how.from();
        Protection copy = protections.find(group, site).orElse(null);
        ShippingStatus status = copy == null ? null : copy.status();
        String hindrance = "";
        if (handovers.of(group.row().id()).isPresent()) {
            hindrance = "the failover is not committed";
        } else if (sites.status(site).isEmpty()) {
            hindrance = "the site is not paired with this one any more";
        }
        return new ReverseDocument(
                group.name(),
                sites.peerName(site),
                site.toString(),
                sites.link(site).isPresent(),
                copy != null,
                copy != null && !copy.row.paused(),
                status == null ? how.lastLocal() : status.acknowledgedSequence(),
                status == null ? 0 : status.backlogBytes(),
                protections.backlogLimitBytes(),
                copy == null ? 0 : copy.row.limitBytes(),
                hindrance);
    }

    private ProtectionDocument document(Group group, Removals.Removal removal) {
        UUID peer = removal.row().peer();
        long head = group.engine().status().headSequence();
        return new ProtectionDocument(
                sites.peerName(peer),
                peer.toString(),
                "removing",
                removal.reason(),
                "none",
                null,
                0,
                head,
                head,
                head,
                0,
                protections.backlogLimitBytes(),
                0,
                protections.siteLimitBytes(peer),
                0,
                "none",
                new SyncDocument("", 0, 0, 0, 0, 0, 0, 0, null));
    }

    private AlsoActive document(Rivals.Rival rival) {
        return new AlsoActive(
                sites.peerName(rival.peer()),
                rival.peer().toString(),
                rival.tenure(),
                Timestamps.iso(rival.sinceMicros()));
    }

    private static HandoverDocument documentOf(HandoverRow row, String site) {
        return new HandoverDocument(
                text(row.phase()),
                site,
                row.tenure(),
                row.point(),
                row.policy(),
                row.deadlineMicros() == null ? null : Timestamps.iso(row.deadlineMicros()),
                Timestamps.iso(row.startedMicros()));
    }

    private HandoverDocument document(HandoverRow row) {
        return documentOf(row, sites.peerName(row.peer()));
    }

    private ProtectionDocument document(Group group, Protection protection) {
        ShippingStatus status = protection.status();
        boolean prepared =
                protection.row.paused()
                        && group.engine().role().takeover() != null
                        && status.state() == ShippingState.PAUSED;
        ShippingMode mode = protection.shipping.mode();
        CopyLack lack = mode == ShippingMode.DIRTY_MAP ? protection.lack : null;
        return new ProtectionDocument(
                sites.peerName(protection.peer()),
                protection.peer().toString(),
                text(status.state()),
                prepared
                        ? "paused, or to be begun with: tidemark reverse --group " + group.name()
                        : status.reason(),
                text(mode),
                lack == null ? null : Timestamps.iso(lack.sinceMicros()),
                lack == null ? 0 : lack.dirtyBytes(),
                group.engine().status().headSequence(),
                status.sentSequence(),
                status.acknowledgedSequence(),
                status.backlogBytes(),
                protections.backlogLimitBytes(),
                protection.row.limitBytes(),
                protections.siteLimitBytes(protection.peer()),
                status.lagMicros() / 1e6,
                text(status.stage()),
                sync(protection, status));
    }

    private static SyncDocument sync(Protection protection, ShippingStatus status) {
        SyncProgress sync = status.sync();
        double share =
                sync.totalBytes() == 0
                        ? 0
                        : Math.min(1, (double) sync.passedBytes() / sync.totalBytes());
        Double left = null;
        Long began = Protections.began(protection);
        if (status.state() == ShippingState.SYNCING && began != null && share > 0) {
            double spent = (System.nanoTime() - began) / 1e9;
            left = spent * (1 - share) / share;
        }
        return new SyncDocument(
                status.trigger(),
                sync.totalBytes(),
                sync.passedBytes(),
                sync.readBytes(),
                sync.sentBytes(),
                sync.zeroedBytes(),
                sync.equalBytes(),
                share,
                left);
    }
}
