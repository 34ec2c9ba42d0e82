package dev.tidemark.gateway.protection;

import dev.tidemark.gateway.sites.Sites;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.SiteMessages;
import dev.tidemark.replica.ship.SiteMessages.News;
import dev.tidemark.replica.ship.SiteMessages.Question;
import io.netty.buffer.ByteBuf;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is asked of the sites that a group may belong to. Methods block for seconds at most. */
final class Peering {
    private static final Logger log = LoggerFactory.getLogger(Peering.class);
    private static final int PATIENCE_SECONDS = 10;

    private final Sites sites;

    Peering(Sites sites) {
        this.sites = sites;
    }

    /** How a group stands at a peer; nothing when that is not known. */
    Optional<News> state(UUID peer, UUID group, int tenure) {
        try {
            return Optional.of(ask(peer, group, tenure));
        } catch (LinkException silent) {
            log.debug("peer={} group={} says nothing", peer, group, silent);
            return Optional.empty();
        }
    }

    /** Whether what failed is that the peer has no such group. */
    static boolean hasNone(LinkException failure) {
        return failure.kind() == LinkException.Kind.REFUSED
                && failure.code() == LinkException.CODE_UNKNOWN;
    }

    /** As {@link #state}; a failure tells whether the peer {@link #hasNone}. */
    News ask(UUID peer, UUID group, int tenure) throws LinkException {
        Optional<Link> link = sites.link(peer);
        if (link.isEmpty()) {
            throw LinkException.unanswered("there is no link to that site");
        }
        ByteBuf body = new Question(group, tenure).encode();
        return News.decode(ask(link.get(), SiteMessages.METHOD_STATE, body));
    }

    /** Has a peer fence a group; its last number there, or nothing when it did not say. */
    Optional<Long> fence(UUID peer, UUID group, int tenure) {
        if (sites.link(peer).isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(askToFence(peer, group, tenure));
        } catch (LinkException refused) {
            log.warn("peer={} group={} is not fenced: {}", peer, group, refused.getMessage());
            return Optional.empty();
        }
    }

    /** As {@link #fence}; a failure tells why there is no answer. */
    long askToFence(UUID peer, UUID group, int tenure) throws LinkException {
        Optional<Link> link = sites.link(peer);
        if (link.isEmpty()) {
            throw LinkException.unanswered("there is no link to that site");
        }
        ByteBuf body = new Question(group, tenure).encode();
        ByteBuf answer = ask(link.get(), SiteMessages.METHOD_FENCE, body);
        if (answer.readableBytes() < 8) {
            throw LinkException.unanswered("it does not say its last number");
        }
        return answer.readLongLE();
    }

    /** Gives a group to a peer. Fails with REFUSED only when the peer has not taken it. */
    News take(UUID peer, Handover handover) throws LinkException {
        Optional<Link> link = sites.link(peer);
        if (link.isEmpty()) {
            throw LinkException.refusal(LinkException.CODE_NOT_NOW, "there is no link to the peer");
        }
        return News.decode(ask(link.get(), Handover.METHOD, handover.encode()));
    }

    /** Has a peer delete its copy of a group; returns when there is none any more. */
    void delete(UUID peer, UUID group, int tenure) throws LinkException {
        Optional<Link> link = sites.link(peer);
        if (link.isEmpty()) {
            throw LinkException.refusal(
                    LinkException.CODE_NOT_NOW, "there is no link to the other site");
        }
        var _ = ask(link.get(), SiteMessages.METHOD_DELETE, new Question(group, tenure).encode());
    }

    private static ByteBuf ask(Link link, int method, ByteBuf body) throws LinkException {
        try {
            int patience = method == Handover.METHOD ? 3 * PATIENCE_SECONDS : PATIENCE_SECONDS;
            return link.request(method, body).get(patience, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw LinkException.unanswered("the gateway is stopping");
        } catch (TimeoutException e) {
            throw LinkException.unanswered("no answer");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof LinkException known) {
                throw known;
            }
            throw LinkException.unanswered(String.valueOf(e.getCause()));
        }
    }
}
