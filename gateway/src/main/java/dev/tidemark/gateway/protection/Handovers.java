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
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
    private final Map<UUID, HandoverRow> rows = new ConcurrentHashMap<>();

    /** Groups whose handover a task of this process attends to. */
    private final Set<UUID> attended = ConcurrentHashMap.newKeySet();

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

    Handovers(Means means) {
        this.means = means;
        this.peering = new Peering(means.sites());
    }

    /** What is known of a group's handover. */
    Optional<HandoverRow> of(UUID group) {
        return Optional.ofNullable(rows.get(group));
    }

    private void keep(HandoverRow row) {
        means.tables().keep(row);
        rows.put(row.group(), row);
    }

    private void end(UUID group) {
        means.tables().removeHandover(group);
        rows.remove(group);
    }

    /** Writes down that something begins, unless something is going on. */
    private synchronized void begin(Group group, HandoverRow row) {
        HandoverRow before = rows.get(row.group());
        if (before != null) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.IN_USE,
                            "group " + group.name() + " is changing sites already",
                            GroupDocuments.text(before.phase()),
                            null,
                            before.phase() == Phase.TAKEN
                                    ? "commit or roll back first: tidemark failover --group "
                                            + group.name()
                                            + " --commit"
                                    : "see tidemark group show " + group.name()));
        }
        keep(row);
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
            rows.put(row.group(), row);
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
                    end(row.group());
                }
            }
        }
    }

    private Task attend(String kind, Group group, Task.Work work) {
        attended.add(group.row().id());
        try {
            return means.tasks()
                    .start(
                            kind,
                            group.name(),
                            progress -> {
                                try {
                                    return work.run(progress);
                                } finally {
                                    attended.remove(group.row().id());
                                }
                            });
        } catch (RuntimeException e) {
            attended.remove(group.row().id());
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
        begin(group, row);
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
            keep(row);
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
                end(row.group());
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
            end(row.group());
        } else {
            keep(
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
        end(group.row().id());
        log.info("group={} the failover is committed", group.name());
    }

    private HandoverRow requireTaken(Group group) {
        HandoverRow row = rows.get(group.row().id());
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
        keep(requireTaken(group).with(Phase.RETURNING));
        return attend("return", group, progress -> giveBack(group, progress));
    }

    private Object giveBack(Group group, Task.Progress progress) throws InterruptedException {
        ProtectionGroup engine = group.engine();
        Role role = engine.role();
        Role.Takeover how = role.takeover();
        means.protections().removeAll(group.row().id());
        if (role.state() == GroupRole.ACTIVE && how != null) {
            Engine.await(engine.giveBack(role.tenure() + 1));
            means.volumes().announce(group);
            log.info("group={} is given back", group.name());
        }
        end(group.row().id());
        while (engine.role().state() == GroupRole.REJOINING) {
            progress.detail("the disks are being set back to where they were");
            PromotionTask task = engine.promotion();
            if (task != null) {
                progress.share(task.progress());
            }
            Thread.sleep(LOOK_MILLIS);
        }
        return GroupDocuments.news(engine);
    }

    // Move

    /** Gives this site's group to a peer that has a copy, without loss. */
    Task move(Group group, Move request) {
        boolean unsaid = request.policy() == null && request.after() == null;
        Policy policy = Policy.of(unsaid ? Policy.COMMIT : request.policy(), request.after());
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
        begin(group, row);
        return attend("move", group, progress -> leave(group, row, to, progress));
    }

    private Object leave(
            Group group, HandoverRow row, Protections.Protection to, Task.Progress progress)
            throws InterruptedException {
        ProtectionGroup engine = group.engine();
        progress.detail("hosts are refused, the last records are shipped");
        long last = Engine.await(engine.relinquish());
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
            end(row.group());
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
        end(row.group());
    }

    /** A peer hands its group over; answers when the disks can be used here. */
    News takeFrom(UUID peer, Handover handover) throws LinkException {
        Group group = means.groups().get(handover.group()).orElseThrow(Handovers::unknown);
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
                            new Policy(handover.policy(), handover.afterMillis()));
            begin(group, row);
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
        return news(group);
    }

    private static LinkException unknown() {
        return LinkException.refusal(LinkException.CODE_UNKNOWN, "there is no such group here");
    }

    // Reverse

    /** Begins to copy the group to the site that it was taken over from. */
    void reverse(Group group) {
        Role role = group.engine().role();
        Role.Takeover how = role.takeover();
        if (role.state() != GroupRole.ACTIVE || how == null) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.INVALID,
                            "group " + group.name() + " was not taken over by this site",
                            GroupDocuments.text(role.state()),
                            null,
                            "to copy it to a site: tidemark group protect"));
        }
        if (rows.containsKey(group.row().id())) {
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

    // Who the group belongs to

    /** What peers are told. */
    News state(UUID group) throws LinkException {
        return news(means.groups().get(group).orElseThrow(Handovers::unknown));
    }

    private News news(Group group) {
        Role role = group.engine().role();
        HandoverRow row = rows.get(group.row().id());
        return new News(
                role.state(),
                role.tenure(),
                group.engine().status().headSequence(),
                row != null && row.phase() == Phase.TAKING,
                role.source());
    }

    /** A peer has claimed a newer tenure; returns the last number here. */
    long fence(UUID peer, UUID id, int tenure) throws LinkException {
        Group group = means.groups().get(id).orElseThrow(Handovers::unknown);
        Role role = group.engine().role();
        Role.Takeover how = role.takeover();
        boolean related =
                means.protections().find(group, peer).isPresent()
                        || peer.equals(role.source())
                        || (how != null && peer.equals(how.from()));
        if (!related) {
            throw LinkException.refusal(
                    LinkException.CODE_UNKNOWN, "the group is not copied to your site");
        }
        return fence(group, peer, tenure);
    }

    private long fence(Group group, UUID peer, int tenure) {
        boolean served = group.engine().role().state() == GroupRole.ACTIVE;
        long last = Engine.await(group.engine().fence(tenure));
        if (served && group.engine().role().state() == GroupRole.FENCED) {
            means.volumes().announce(group);
            means.alerts()
                    .raise(
                            Alerts.Severity.WARNING,
                            Alerts.GROUP_FENCED,
                            group.name(),
                            means.sites().peerName(peer)
                                    + " takes the group over, tenure "
                                    + tenure
                                    + ": hosts are refused here");
        }
        return last;
    }

    /** A peer said, one way or the other, that it knows better whose the group is. */
    void ask(UUID id, UUID peer) {
        Optional<Group> found = means.groups().get(id);
        if (found.isEmpty() || attended.contains(id)) {
            return;
        }
        Group group = found.get();
        Role role = group.engine().role();
        Optional<News> news = peering.state(peer, id, role.tenure());
        if (news.isEmpty() || news.get().taking()) {
            return;
        }
        News there = news.get();
        boolean ours =
                there.role() == GroupRole.STANDBY
                        && means.sites().isThisSite(there.source())
                        && there.tenure() >= role.tenure();
        boolean back =
                there.role() == GroupRole.REJOINING && means.sites().isThisSite(there.source());
        HandoverRow row = rows.get(id);
        boolean fenced = role.state() == GroupRole.FENCED && there.tenure() == role.tenure();
        if (there.role() == GroupRole.ACTIVE && (there.tenure() > role.tenure() || fenced)) {
            fence(group, peer, there.tenure());
            endLeaving(row);
        } else if ((ours || back) && there.tenure() >= role.tenure()) {
            reinstate(group, peer, there.tenure());
            endLeaving(row);
        }
    }

    private void endLeaving(@Nullable HandoverRow row) {
        if (row != null && row.phase() == Phase.LEAVING) {
            end(row.group());
        }
    }

    private void reinstate(Group group, UUID peer, int tenure) {
        boolean refused = group.engine().role().state() == GroupRole.FENCED;
        Engine.await(group.engine().reinstate(tenure));
        if (refused && group.engine().role().state() == GroupRole.ACTIVE) {
            means.volumes().announce(group);
            means.alerts()
                    .raise(
                            Alerts.Severity.WARNING,
                            Alerts.GROUP_TAKEN,
                            group.name(),
                            means.sites().peerName(peer)
                                    + " has given the group back, tenure "
                                    + tenure
                                    + ": hosts are served here again");
        }
        means.protections().of(group.row().id()).stream()
                .filter(one -> !one.row.paused())
                .forEach(one -> one.shipping.resume());
    }

    /**
     * Now and then: fenced groups whose other site can be asked, and policies whose time has come.
     */
    void look() {
        for (Group group : means.groups().all()) {
            UUID id = group.row().id();
            if (attended.contains(id)) {
                continue;
            }
            HandoverRow row = rows.get(id);
            if (group.engine().role().state() == GroupRole.FENCED) {
                if (row != null && row.phase() == Phase.LEAVING) {
                    ask(id, row.peer());
                } else {
                    means.protections().of(id).forEach(one -> ask(id, one.peer()));
                }
            } else if (row != null
                    && row.phase() == Phase.TAKEN
                    && row.deadlineMicros() != null
                    && row.deadlineMicros() <= now()) {
                log.info("group={} policy {}: its time has come", group.name(), row.policy());
                if (row.policy().equals(Policy.COMMIT)) {
                    commit(group);
                } else {
                    var _ = rollBack(group);
                }
            }
        }
    }

    /** There is a link: the site that this one took a group over from may not know of it. */
    void tell(UUID peer) {
        for (Group group : means.groups().all()) {
            Role role = group.engine().role();
            Role.Takeover how = role.takeover();
            if (role.state() == GroupRole.ACTIVE && how != null && peer.equals(how.from())) {
                var _ = peering.fence(peer, group.row().id(), role.tenure());
            }
        }
    }
}
