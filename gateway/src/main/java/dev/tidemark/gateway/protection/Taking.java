package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.catalogue.HandoverRow.Phase;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.Promotions;
import dev.tidemark.gateway.service.Task;
import dev.tidemark.gateway.wire.Requests.FailOver;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.PromotionTask;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.SiteMessages.News;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Groups that this site takes over: a failover, or one that a peer hands over. Thread-safe; methods
 * block.
 */
final class Taking {
    private static final Logger log = LoggerFactory.getLogger(Taking.class);

    /**
     * How long the word of a source whose link breaks, and then its last records, are waited for
     * before a failover to the end.
     */
    private static final Duration LAST_RECORDS = Duration.ofSeconds(10);

    private static final Duration BETWEEN_QUESTIONS = Duration.ofMillis(100);

    private final HandoverMeans means;
    private final Tenures tenures;
    private final Elsewhere elsewhere;

    Taking(HandoverMeans means, Tenures tenures, Elsewhere elsewhere) {
        this.means = means;
        this.tenures = tenures;
        this.elsewhere = elsewhere;
    }

    /** Makes this site's copy the active one, at a point. */
    Task failOver(Group group, FailOver request) {
        Policy policy = Policy.of(request.policy(), request.after());
        Role role = requireCopy(group);
        int known = elsewhere.tenure(group, Boolean.TRUE.equals(request.force()));
        String asked = request.at() == null ? HandoverRow.LATEST : request.at();
        String point =
                asked.equals(HandoverRow.LATEST)
                        ? HandoverRow.LATEST
                        : Points.canonical(means.points().resolve(group, asked).sequence());
        HandoverRow row = taking(group, role, Math.max(role.tenure(), known), point, policy);
        means.rows().begin(group, row);
        return means.attendance().attend("failover", group, progress -> take(group, row, progress));
    }

    private static Role requireCopy(Group group) {
        Role role = group.engine().role();
        if (role.state() != GroupRole.STANDBY) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.INVALID,
                            "group " + group.name() + " is no copy here",
                            GroupDocuments.text(role.state()),
                            "a failover makes a copy the active group",
                            role.state() == GroupRole.ACTIVE
                                    ? "to set this site's disks back to a point: tidemark rollback"
                                    : "see tidemark group show " + group.name()));
        }
        return role;
    }

    /** A claim of the tenure after one that is known. */
    private HandoverRow taking(Group group, Role role, int known, String point, Policy policy) {
        UUID source = role.source();
        if (source == null) {
            throw new IllegalStateException("a copy without a source: " + group.name());
        }
        return new HandoverRow(
                group.row().id(),
                source,
                Phase.TAKING,
                known + 1,
                point,
                policy.action(),
                policy.afterMillis(),
                null,
                means.now());
    }

    /** Goes on with what an earlier process began. */
    void resume(Group group, HandoverRow row) {
        if (group.engine().role().state() == GroupRole.STANDBY) {
            means.attendance().attend("failover", group, progress -> take(group, row, progress));
        } else {
            taken(group, row);
        }
    }

    private Object take(Group group, HandoverRow begun, Task.Progress progress) {
        progress.detail("the other site is told");
        HandoverRow row = claim(group, begun);
        return Promotions.follow(group, promote(group, row), progress);
    }

    /** Fences the source when it can be reached, and waits for its last records. */
    private HandoverRow claim(Group group, HandoverRow begun) {
        HandoverRow row = begun;
        boolean waits =
                row.point().equals(HandoverRow.LATEST)
                        && means.sites().link(row.peer()).isPresent();
        int known =
                means.peering()
                        .state(row.peer(), row.group(), row.tenure())
                        .map(News::tenure)
                        .orElse(0);
        if (known >= row.tenure()) {
            row = row.claiming(known + 1);
            means.rows().keep(row);
        }
        Optional<Long> last = fence(row, waits ? LAST_RECORDS : Duration.ZERO);
        if (last.isPresent() && row.point().equals(HandoverRow.LATEST)) {
            awaitLast(group, last.get());
        }
        if (last.isEmpty()) {
            log.warn(
                    "group={} is taken over without the other site's word: it cannot be reached",
                    group.name());
        }
        return row;
    }

    /**
     * The source's last number, or nothing when it does not say. It may have fenced itself when the
     * link breaks before its answer is here, with records that nobody else has: so it is asked
     * again.
     */
    private Optional<Long> fence(HandoverRow row, Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        while (true) {
            try {
                return Optional.of(
                        means.peering().askToFence(row.peer(), row.group(), row.tenure()));
            } catch (LinkException failure) {
                if (failure.kind() == LinkException.Kind.REFUSED
                        || System.nanoTime() - end >= 0
                        || Thread.currentThread().isInterrupted()) {
                    log.warn(
                            "group={} is not fenced at the other site: {}",
                            row.group(),
                            failure.getMessage());
                    return Optional.empty();
                }
            }
            LockSupport.parkNanos(BETWEEN_QUESTIONS.toNanos());
        }
    }

    private void awaitLast(Group group, long last) {
        CompletableFuture<Void> arrival = means.desk().arrival(group.row().id(), last);
        // What was here before it was asked for is not told again.
        if (lastOfSource(group) >= last) {
            arrival.cancel(false);
        } else if (!Engine.within(arrival, LAST_RECORDS)) {
            log.warn("group={} is taken over without the other site's last records", group.name());
        }
    }

    /** The source's number of the newest record that the copy has. */
    private static long lastOfSource(Group group) {
        ProtectionGroup engine = group.engine();
        return engine.role().toSource(engine.status().headSequence());
    }

    /** The takeover itself; returns when the disks can be used. */
    private PromotionTask promote(Group group, HandoverRow row) {
        ProtectionGroup engine = group.engine();
        PromotionTask promotion = engine.takeOver(means.points().spec(row.point()), row.tenure());
        try {
            Engine.await(promotion.usable());
        } catch (ProblemException failed) {
            if (engine.role().state() == GroupRole.STANDBY) {
                // A source that was fenced for this learns that the group is its own.
                Engine.await(engine.learn(row.tenure() + 1));
                means.rows().end(row.group());
            }
            throw failed;
        }
        taken(group, row);
        return promotion;
    }

    /** This site is active: what follows from it. */
    private void taken(Group group, HandoverRow row) {
        Role role = group.engine().role();
        Role.Takeover how = role.takeover();
        means.desk()
                .takenOver(
                        row.group(), "this site has taken the group over, tenure " + role.tenure());
        if (how != null && means.protections().find(group, row.peer()).isEmpty()) {
            // Its records are held for the other site from here on, to be its copy's one day.
            means.protections().add(group, row.peer(), how.lastLocal(), true);
        }
        Policy policy = Policy.of(row);
        if (policy.isCommittedAtOnce()) {
            means.rows().end(row.group());
        } else {
            means.rows()
                    .keep(
                            row.taken(
                                    policy.action().equals(Policy.NONE)
                                            ? null
                                            : (Long) (means.now() + policy.afterMillis() * 1000)));
        }
        // Another copy may have been failed over to as well.
        means.sites()
                .peerIds()
                .forEach(peer -> means.rivals().suspect(new Rivals.Key(row.group(), peer)));
        means.volumes().announce(group);
        means.alerts()
                .raise(
                        Alerts.Severity.WARNING,
                        Alerts.GROUP_TAKEN,
                        group.name(),
                        "this site has taken the group over from "
                                + means.sites().peerName(row.peer())
                                + ", tenure "
                                + role.tenure());
    }

    /** A peer hands its group over; answers when the disks can be used here. */
    News takeFrom(UUID peer, Handover handover) throws LinkException {
        Group group = means.groups().get(handover.group()).orElseThrow(Tenures::unknown);
        Role role = group.engine().role();
        if (role.state() != GroupRole.STANDBY
                || !peer.equals(role.source())
                || lastOfSource(group) != handover.last()) {
            throw LinkException.refusal(
                    LinkException.CODE_NOT_NOW,
                    "the copy is "
                            + GroupDocuments.text(role.state())
                            + " and has not got your last record");
        }
        try {
            HandoverRow row =
                    taking(group, role, role.tenure(), HandoverRow.LATEST, handover.policy());
            means.rows().begin(group, row);
            PromotionTask promotion = promote(group, row);
            var _ =
                    means.tasks()
                            .start(
                                    "move",
                                    group.name(),
                                    progress -> Promotions.follow(group, promotion, progress));
        } catch (ProblemException refused) {
            throw LinkException.refusal(LinkException.CODE_NOT_NOW, refused.problem().sentence());
        }
        return tenures.news(group);
    }
}
