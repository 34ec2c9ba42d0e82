package dev.tidemark.gateway.protection;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.catalogue.HandoverRow.Phase;
import dev.tidemark.gateway.catalogue.ProtectionTables;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Alerts;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Groups;
import dev.tidemark.gateway.service.Points;
import dev.tidemark.gateway.service.Promotions;
import dev.tidemark.gateway.service.Required;
import dev.tidemark.gateway.service.Task;
import dev.tidemark.gateway.service.Tasks;
import dev.tidemark.gateway.service.Volumes;
import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Requests.FailOver;
import dev.tidemark.gateway.wire.Requests.Move;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.PromotionTask;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.ShippingDesk;
import dev.tidemark.replica.ship.ShippingState;
import dev.tidemark.replica.ship.SiteMessages.Handover;
import dev.tidemark.replica.ship.SiteMessages.News;
import java.time.Clock;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Groups that change sites: failover, commit, return, move, reverse. Every step is in the catalogue
 * or the group's manifest before it counts, so that a restart goes on where it was; what a site
 * does not know of the other it asks for again. Thread-safe; methods block.
 */
final class Handovers {
    private static final Logger log = LoggerFactory.getLogger(Handovers.class);

    /** How long the last records of a fenced source are waited for before a failover to the end. */
    private static final long LAST_RECORDS_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final long LOOK_MILLIS = 20;
    private static final String LATEST = "latest";

    private final Means means;
    private final Peering peering;
    private final HandoverRows rows;
    private final Tenures tenures;

    /** What it works with. */
    record Means(
            Groups groups,
            Volumes volumes,
            Points points,
            Tasks tasks,
            Sites sites,
            Protections protections,
            ShippingDesk desk,
            ProtectionTables tables,
            Alerts alerts,
            Scheduler scheduler,
            Clock clock) {}

    Handovers(Means means, HandoverRows rows, Peering peering, Tenures tenures) {
        this.means = means;
        this.rows = rows;
        this.peering = peering;
        this.tenures = tenures;
    }

    private long now() {
        return Timestamps.micros(means.clock().instant());
    }

    // Start

    /** Takes up what an earlier process left. Before there is any link. */
    void open() {
        for (HandoverRow row : means.tables().handovers()) {
            Optional<Group> group = means.groups().get(row.group());
            if (group.isEmpty()) {
                continue;
            }
            rows.adopt(row);
            resume(group.get(), row);
        }
    }

    private void resume(Group group, HandoverRow row) {
        Role role = group.engine().role();
        switch (row.phase()) {
            case TAKING -> {
                if (role.state() == GroupRole.STANDBY) {
                    attend("failover", group, progress -> take(group, row, progress));
                } else {
                    taken(group, row);
                }
            }
            case TAKEN -> {
                // Waits for somebody, or for its time.
            }
            case RETURNING -> attend("return", group, progress -> giveBack(group, progress));
            case LEAVING -> {
                if (role.state() == GroupRole.ACTIVE) {
                    rows.end(row.group());
                }
            }
        }
    }

    private Task attend(String kind, Group group, Task.Work work) {
        rows.attended(group.row().id(), true);
        try {
            return means.tasks()
                    .start(
                            kind,
                            group.name(),
                            progress -> {
                                try {
                                    return work.run(progress);
                                } finally {
                                    rows.attended(group.row().id(), false);
                                }
                            });
        } catch (RuntimeException e) {
            rows.attended(group.row().id(), false);
            throw e;
        }
    }

    // Failover

    /** Makes this site's copy the active one, at a point. */
    Task failOver(Group group, FailOver request) {
        Policy policy = Policy.of(request.policy(), request.after());
        Role role = requireCopy(group);
        String asked = request.at() == null ? LATEST : request.at();
        String point =
                asked.equals(LATEST)
                        ? LATEST
                        : Points.canonical(means.points().resolve(group, asked).sequence());
        HandoverRow row = taking(group, role, point, policy);
        rows.begin(group, row);
        return attend("failover", group, progress -> take(group, row, progress));
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

    private HandoverRow taking(Group group, Role role, String point, Policy policy) {
        UUID source = role.source();
        if (source == null) {
            throw new IllegalStateException("a copy without a source: " + group.name());
        }
        return new HandoverRow(
                group.row().id(),
                source,
                Phase.TAKING,
                role.tenure() + 1,
                point,
                policy.action(),
                policy.afterMillis(),
                null,
                now());
    }

    private Object take(Group group, HandoverRow begun, Task.Progress progress)
            throws InterruptedException {
        progress.detail("the other site is told");
        HandoverRow row = claim(group, begun);
        return Promotions.follow(group, promote(group, row), progress);
    }

    /** Fences the source when it can be reached, and waits for its last records. */
    private HandoverRow claim(Group group, HandoverRow begun) throws InterruptedException {
        HandoverRow row = begun;
        int known =
                peering.state(row.peer(), row.group(), row.tenure()).map(News::tenure).orElse(0);
        if (known >= row.tenure()) {
            row =
                    new HandoverRow(
                            row.group(),
                            row.peer(),
                            row.phase(),
                            known + 1,
                            row.point(),
                            row.policy(),
                            row.afterMillis(),
                            null,
                            row.startedMicros());
            rows.keep(row);
        }
        Optional<Long> last = peering.fence(row.peer(), row.group(), row.tenure());
        if (last.isPresent() && row.point().equals(LATEST)) {
            long deadline = System.nanoTime() + LAST_RECORDS_NANOS;
            while (lastOfSource(group) < last.get() && System.nanoTime() < deadline) {
                Thread.sleep(LOOK_MILLIS);
            }
        }
        if (last.isEmpty()) {
            log.warn(
                    "group={} is taken over without the other site's word: it cannot be reached",
                    group.name());
        }
        return row;
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
                rows.end(row.group());
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
        Policy policy = new Policy(row.policy(), row.afterMillis());
        if (policy.isCommittedAtOnce()) {
            rows.end(row.group());
        } else {
            rows.keep(
                    row.taken(
                            policy.action().equals(Policy.NONE)
                                    ? null
                                    : (Long) (now() + policy.afterMillis() * 1000)));
        }
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

    /** The takeover is final: it cannot be given back any more. */
    void commit(Group group) {
        requireTaken(group);
        rows.end(group.row().id());
        log.info("group={} the failover is committed", group.name());
    }

    private HandoverRow requireTaken(Group group) {
        HandoverRow row = rows.of(group.row().id()).orElse(null);
        if (row == null || row.phase() != Phase.TAKEN) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.INVALID,
                            "no failover of group " + group.name() + " waits for that here",
                            row == null ? null : GroupDocuments.text(row.phase()),
                            null,
                            "see tidemark group show " + group.name()));
        }
        return row;
    }

    /** Gives the group back to where it was. */
    Task rollBack(Group group) {
        rows.keep(requireTaken(group).with(Phase.RETURNING));
        return attend("return", group, progress -> giveBack(group, progress));
    }

    private Object giveBack(Group group, Task.Progress progress) throws InterruptedException {
        ProtectionGroup engine = group.engine();
        Role role = engine.role();
        Role.Takeover how = role.takeover();
        if (role.state() == GroupRole.ACTIVE && how != null) {
            try {
                Engine.await(engine.giveBack(role.tenure() + 1));
            } catch (ProblemException failed) {
                // Nothing has changed: somebody decides, and not the policy again.
                rows.of(group.row().id()).ifPresent(row -> rows.keep(row.taken(null)));
                throw failed;
            }
            means.volumes().announce(group);
            log.info("group={} is given back", group.name());
        }
        means.protections().removeAll(group.row().id());
        while (engine.role().state() == GroupRole.REJOINING) {
            progress.detail("the disks are being set back to where they were");
            PromotionTask task = engine.promotion();
            if (task != null) {
                progress.share(task.progress());
            }
            Thread.sleep(LOOK_MILLIS);
        }
        rows.end(group.row().id());
        return GroupDocuments.news(engine);
    }

    // Move

    /** Gives this site's group to a peer that has a copy, without loss. */
    Task move(Group group, Move request) {
        boolean unsaid = request.policy() == null && request.after() == null;
        Policy policy = Policy.of(unsaid ? Policy.COMMIT : request.policy(), request.after());
        rows.requireNone(group);
        if (group.engine().role().state() != GroupRole.ACTIVE) {
            throw Protections.notActive(group);
        }
        if (group.engine().promotion() != null) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "a rollback or promotion of group " + group.name() + " is in progress",
                            null,
                            null,
                            "wait for its end: tidemark task list"));
        }
        String site = Required.text("to", request.to());
        Protections.Protection to = means.protections().get(group, site);
        if (to.status().state() != ShippingState.SHIPPING) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.INVALID,
                            "the copy at " + site + " is not kept up",
                            GroupDocuments.text(to.status().state()),
                            to.status().reason(),
                            "wait until it is shipping: tidemark group show " + group.name()));
        }
        HandoverRow row =
                new HandoverRow(
                        group.row().id(),
                        to.peer(),
                        Phase.LEAVING,
                        0,
                        LATEST,
                        policy.action(),
                        policy.afterMillis(),
                        null,
                        now());
        rows.begin(group, row);
        return attend("move", group, progress -> leave(group, row, to, progress));
    }

    private Object leave(
            Group group, HandoverRow row, Protections.Protection to, Task.Progress progress)
            throws InterruptedException {
        ProtectionGroup engine = group.engine();
        progress.detail("hosts are refused, the last records are shipped");
        long last;
        try {
            last = Engine.await(engine.relinquish());
        } catch (ProblemException failed) {
            takeBack(group, row);
            throw failed;
        }
        long deadline = System.nanoTime() + DRAIN_NANOS;
        while (to.status().acknowledgedSequence() < last) {
            if (System.nanoTime() > deadline) {
                takeBack(group, row);
                throw new ProblemException(
                        new Problem(
                                ProblemKind.FAILED,
                                "the copy did not get the last records in time; nothing has changed",
                                to.status().reason(),
                                to.status().acknowledgedSequence() + " of " + last,
                                "try again when it has caught up"));
            }
            Thread.sleep(LOOK_MILLIS);
        }
        progress.share(0.5);
        progress.detail("the other site takes the group over");
        Handover handover = new Handover(row.group(), last, row.afterMillis(), row.policy());
        try {
            News news = peering.take(row.peer(), handover);
            Engine.await(engine.fence(news.tenure()));
            rows.end(row.group());
        } catch (LinkException failed) {
            if (failed.kind() != LinkException.Kind.REFUSED) {
                throw new ProblemException(
                        new Problem(
                                ProblemKind.FAILED,
                                "the other site did not say whether it has taken the group over: "
                                        + failed.getMessage(),
                                null,
                                null,
                                "hosts are refused at both until it is known; it is asked again by itself"),
                        failed);
            }
            takeBack(group, row);
            throw new ProblemException(
                    new Problem(
                            ProblemKind.FAILED,
                            "the other site does not take the group: " + failed.getMessage(),
                            null,
                            null,
                            "nothing has changed"),
                    failed);
        }
        return GroupDocuments.news(engine);
    }

    private void takeBack(Group group, HandoverRow row) {
        Engine.await(group.engine().reinstate(group.engine().role().tenure()));
        rows.end(row.group());
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
                    taking(
                            group,
                            role,
                            LATEST,
                            Policy.ofPeer(handover.policy(), handover.afterMillis()));
            rows.begin(group, row);
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

    // Reverse

    /** Begins to copy the group to the site that it was taken over from. */
    void reverse(Group group) {
        Role role = group.engine().role();
        Role.Takeover how = role.takeover();
        if (role.state() != GroupRole.ACTIVE || how == null) {
            throw notTaken(group);
        }
        if (rows.of(group.row().id()).isPresent()) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "the failover of group " + group.name() + " is not committed",
                            null,
                            "the other site's disks are what a rollback would go back to",
                            "commit it first: tidemark failover --group "
                                    + group.name()
                                    + " --commit"));
        }
        Optional<Protections.Protection> prepared = means.protections().find(group, how.from());
        if (prepared.isPresent()) {
            means.protections().resume(prepared.get());
        } else {
            means.protections().add(group, how.from(), how.lastLocal(), false);
        }
    }

    static ProblemException notTaken(Group group) {
        return new ProblemException(
                new Problem(
                        ProblemKind.INVALID,
                        "group " + group.name() + " was not taken over by this site",
                        GroupDocuments.text(group.engine().role().state()),
                        null,
                        "to copy it to a site: tidemark group protect"));
    }

    /** Now and then: does what a policy says whose time has come. */
    void look() {
        for (Group group : means.groups().all()) {
            HandoverRow row = rows.of(group.row().id()).orElse(null);
            if (row == null || row.phase() != Phase.TAKEN || rows.isAttended(row.group())) {
                continue;
            }
            Long deadline = row.deadlineMicros();
            if (deadline != null && deadline <= now()) {
                log.info("group={} policy {}: its time has come", group.name(), row.policy());
                if (row.policy().equals(Policy.COMMIT)) {
                    commit(group);
                } else {
                    var _ = rollBack(group);
                }
            }
        }
    }
}
