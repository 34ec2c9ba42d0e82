package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.catalogue.HandoverRow.Phase;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Required;
import dev.tidemark.gateway.service.Task;
import dev.tidemark.gateway.wire.Requests.Move;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.ShippingState;
import dev.tidemark.replica.ship.SiteMessages.News;
import java.time.Duration;

/** Groups that this site moves to a peer, without loss. Thread-safe; methods block. */
final class Leaving {
    private static final Duration DRAIN = Duration.ofSeconds(60);

    private final HandoverMeans means;

    Leaving(HandoverMeans means) {
        this.means = means;
    }

    /** Gives this site's group to a peer that has a copy, without loss. */
    Task move(Group group, Move request) {
        boolean unsaid = request.policy() == null && request.after() == null;
        Policy policy = Policy.of(unsaid ? Policy.COMMIT : request.policy(), request.after());
        means.rows().requireNone(group);
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
                        HandoverRow.LATEST,
                        policy.action(),
                        policy.afterMillis(),
                        null,
                        means.now());
        means.rows().begin(group, row);
        return means.attendance()
                .attend("move", group, progress -> leave(group, row, to, progress));
    }

    private Object leave(
            Group group, HandoverRow row, Protections.Protection to, Task.Progress progress) {
        ProtectionGroup engine = group.engine();
        progress.detail("hosts are refused, the last records are shipped");
        long last;
        try {
            last = Engine.await(engine.relinquish());
        } catch (ProblemException failed) {
            takeBack(group, row);
            throw failed;
        }
        if (!Engine.within(to.shipping.acknowledgement(last), DRAIN)) {
            takeBack(group, row);
            throw new ProblemException(
                    new Problem(
                            ProblemKind.FAILED,
                            "the copy did not get the last records in time; nothing has changed",
                            to.status().reason(),
                            to.status().acknowledgedSequence() + " of " + last,
                            "try again when it has caught up"));
        }
        progress.share(0.5);
        progress.detail("the other site takes the group over");
        Handover handover = new Handover(row.group(), last, Policy.of(row));
        try {
            News news = means.peering().take(row.peer(), handover);
            Engine.await(engine.fence(news.tenure()));
            means.rows().end(row.group());
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
        means.rows().end(row.group());
    }
}
