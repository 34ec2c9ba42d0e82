package dev.tidemark.gateway.sites;

import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkCredentials;
import dev.tidemark.replica.link.LinkEndpoint;
import dev.tidemark.replica.link.LinkUser;
import dev.tidemark.replica.link.PairingDesk;
import dev.tidemark.replica.link.PairingToken;
import dev.tidemark.replica.link.PeerStatus;
import dev.tidemark.replica.link.SiteCard;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/** All links of this site; as {@link LinkEndpoint}, which says what each method does. */
public interface Links extends AutoCloseable {
    /** Makes the links of a site; they neither listen nor dial yet. */
    @FunctionalInterface
    interface Maker {
        Links make(LinkCredentials credentials, PairingDesk desk, LinkUser user);
    }

    /** Returns the address with the port that the system chose. */
    InetSocketAddress listen(InetSocketAddress address) throws IOException;

    void dial(UUID peer, List<String> addresses);

    void forget(UUID peer, String reason);

    Optional<Link> link(UUID peer);

    PeerStatus status(UUID peer);

    CompletableFuture<SiteCard> pair(PairingToken token, SiteCard own);

    @Override
    void close();

    /** Links over TCP. */
    static Links of(LinkEndpoint endpoint) {
        return new Links() {
            @Override
            public InetSocketAddress listen(InetSocketAddress address) throws IOException {
                return endpoint.listen(address);
            }

            @Override
            public void dial(UUID peer, List<String> addresses) {
                endpoint.dial(peer, addresses);
            }

            @Override
            public void forget(UUID peer, String reason) {
                endpoint.forget(peer, reason);
            }

            @Override
            public Optional<Link> link(UUID peer) {
                return endpoint.link(peer);
            }

            @Override
            public PeerStatus status(UUID peer) {
                return endpoint.status(peer);
            }

            @Override
            public CompletableFuture<SiteCard> pair(PairingToken token, SiteCard own) {
                return endpoint.pair(token, own);
            }

            @Override
            public void close() {
                endpoint.close();
            }
        };
    }
}
