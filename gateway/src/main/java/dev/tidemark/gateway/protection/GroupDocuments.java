package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.catalogue.HandoverRow.Phase;
import dev.tidemark.gateway.protection.Protections.Protection;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.RecoveryTests;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Wire.GroupSiting;
import dev.tidemark.gateway.wire.Wire.HandoverDocument;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.gateway.wire.Wire.ProtectionDocument;
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
import org.jspecify.annotations.Nullable;

/** What is said of groups at several sites. */
final class GroupDocuments {
    private final Sites sites;
    private final Protections protections;
    private final HandoverRows handovers;
    private final RecoveryTests tests;

    GroupDocuments(
            Sites sites, Protections protections, HandoverRows handovers, RecoveryTests tests) {
        this.sites = sites;
        this.protections = protections;
        this.handovers = handovers;
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
                copies.stream().map(copy -> document(group, copy)).toList(),
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
                boolean reverse =
                        role.takeover() == null
                                || copies.stream()
                                        .anyMatch(copy ->
                                                copy.peer().equals(role.takeover().from())
                                                        && !copy.row.paused());
                if (handover != null) {
                    yield "failover";
                } else if (promoting) {
                    yield reverse ? "promoting" : "promoting_and_need_reverse_configuration";
                } else if (!reverse) {
                    yield "promotion_complete_mirrors_not_yet_activated";
                } else if (copies.isEmpty()) {
                    yield "unprotected";
                } else {
                    yield idle(group);
                }
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
