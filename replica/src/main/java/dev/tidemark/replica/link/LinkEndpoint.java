package dev.tidemark.replica.link;

import dev.tidemark.execution.Scheduler;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;

/**
 * A site's end of all its links: listens, dials its peers again and again, and sees to it that no
 * more than one link is up with each. Thread-safe; no method blocks but {@link #listen} and {@link
 * #close}.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class LinkEndpoint implements AutoCloseable {
    /** An endpoint that neither listens nor dials yet. */
    public LinkEndpoint(
            LinkOptions options,
            Scheduler scheduler,
            RandomGenerator random,
            LinkCredentials credentials,
            PairingDesk desk,
            LinkUser user) {}

    /**
     * Listens for links and pairings; may be called for several addresses.
     *
     * @return the address with the port that the system chose
     */
    public InetSocketAddress listen(InetSocketAddress address) throws IOException {
        throw new UnsupportedOperationException();
    }

    /**
     * Keeps a link up with a peer: dials its addresses in turn, with pauses of 0.2 to 15 s, as long
     * as no link is up. A later call replaces the addresses; none means to wait for the peer.
     *
     * @param addresses {@code host:port}
     */
    public void dial(UUID peer, List<String> addresses) {
        throw new UnsupportedOperationException();
    }

    /** Stops dialling a peer and ends its link. */
    public void forget(UUID peer, String reason) {
        throw new UnsupportedOperationException();
    }

    /** The link that is up with a peer. */
    public Optional<Link> link(UUID peer) {
        throw new UnsupportedOperationException();
    }

    /** How it stands with a peer; WAITING for one that was never named. */
    public PeerStatus status(UUID peer) {
        throw new UnsupportedOperationException();
    }

    /** Changes the limit of each link's DATA, of those that are up too; 0 for none. */
    public void limit(long bytesPerSecond) {
        throw new UnsupportedOperationException();
    }

    /**
     * Pairs this site with the one that made a token: dials its addresses in turn. The card has
     * been checked against the token; writing it down is the caller's.
     *
     * @return fails with a {@link PeerRefusedException} or a {@link LinkException}
     */
    public CompletableFuture<SiteCard> pair(PairingToken token, SiteCard own) {
        throw new UnsupportedOperationException();
    }

    /** Ends all links, stops listening and dialling. */
    @Override
    public void close() {}
}
