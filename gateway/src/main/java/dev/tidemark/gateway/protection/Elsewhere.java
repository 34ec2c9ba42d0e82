package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.ship.SiteMessages.News;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Whether a third site has taken over what is a copy here, as far as peers with a link say at once.
 * A copy need not know: it may hear of it only when the group is offered to it. Thread-safe;
 * methods block for two seconds at most.
 */
final class Elsewhere {
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final HandoverMeans means;
    private final Executor apart;

    /** A site that has a group, or takes it just now. */
    private record Holder(UUID peer, News news) {}

    /**
     * @param apart runs each question
     */
    Elsewhere(HandoverMeans means, Executor apart) {
        this.means = means;
        this.apart = apart;
    }

    /**
     * The greatest tenure in which one has it; 0 when none has.
     *
     * @param force also where one has it: its hosts are refused from then on; else that is refused
     */
    int tenure(Group group, boolean force) {
        Optional<Holder> holder = holder(group);
        if (holder.isPresent() && !force) {
            throw taken(group, holder.get());
        }
        return holder.map(one -> one.news().tenure()).orElse(0);
    }

    private ProblemException taken(Group group, Holder holder) {
        String site = means.sites().peerName(holder.peer());
        return new ProblemException(
                new Problem(
                        ProblemKind.IN_USE,
                        "group " + group.name() + " is active at " + site + " already",
                        "tenure " + holder.news().tenure(),
                        "the copy here is of a site that " + site + " has taken over from",
                        "have it protected here from "
                                + site
                                + ", and moved; or say --force: hosts are refused at "
                                + site
                                + " then, and what they wrote is kept there as a branch"));
    }

    private Optional<Holder> holder(Group group) {
        Role here = group.engine().role();
        List<CompletableFuture<Optional<Holder>>> answers =
                means.sites().peerIds().stream()
                        .filter(peer -> !peer.equals(here.source()))
                        .filter(peer -> means.sites().link(peer).isPresent())
                        .map(peer ->
                                CompletableFuture.supplyAsync(
                                        () -> holder(group, here, peer), apart))
                        .toList();
        var _ =
                Engine.within(
                        CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new)),
                        PATIENCE);
        return answers.stream()
                .flatMap(answer -> answer.getNow(Optional.empty()).stream())
                .max(Comparator.comparingInt(holder -> holder.news().tenure()));
    }

    private Optional<Holder> holder(Group group, Role here, UUID peer) {
        return means.peering()
                .state(peer, group.row().id(), here.tenure())
                .filter(there ->
                        there.tenure() >= here.tenure()
                                && (there.taking() || there.role() == GroupRole.ACTIVE))
                .map(there -> new Holder(peer, there));
    }
}
