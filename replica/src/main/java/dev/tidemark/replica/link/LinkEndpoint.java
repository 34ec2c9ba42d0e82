package dev.tidemark.replica.link;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.execution.Scheduler.Cancellable;
import io.netty.buffer.ByteBuf;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A site's end of all its links: listens, dials its peers again and again, and sees to it that no
 * more than one link is up with each. Thread-safe; no method blocks but {@link #listen} and {@link
 * #close}.
 */
public final class LinkEndpoint implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LinkEndpoint.class);
    private static final int MAXIMUM_GREETING = 64;

    private final LinkOptions options;
    private final Scheduler scheduler;
    private final RandomGenerator random;
    private final LinkCredentials credentials;
    private final LinkUser user;
    private final Sockets sockets;
    private final Accepting accepting;

    /** Accepted connections that are neither a stream nor closed yet. */
    private final AtomicInteger greeting = new AtomicInteger();

    private final Map<UUID, PeerState> peers = new HashMap<>(); // guarded by this
    private long bytesPerSecond; // guarded by this
    private volatile boolean closed;

    /** An endpoint that neither listens nor dials yet. */
    public LinkEndpoint(
            LinkOptions options,
            Scheduler scheduler,
            RandomGenerator random,
            LinkCredentials credentials,
            PairingDesk desk,
            LinkUser user) {
        this.options = options;
        this.scheduler = scheduler;
        this.random = random;
        this.credentials = credentials;
        this.user = user;
        this.bytesPerSecond = options.bytesPerSecond();
        this.sockets = new Sockets(options.eventLoops());
        this.accepting =
                new Accepting(
                        credentials, new PairingServer(credentials, desk, scheduler), new Taker());
    }

    private PeerState peer(UUID peer) {
        return peers.computeIfAbsent(peer, id -> new PeerState());
    }

    /**
     * Listens for links and pairings; may be called for several addresses.
     *
     * @return the address with the port that the system chose
     */
    public InetSocketAddress listen(InetSocketAddress address) throws IOException {
        return sockets.listen(address, new Listener());
    }

    /** Contexts are made anew when the key is. */
    private final class Listener implements Sockets.Server {
        private @Nullable SiteIdentity identity;
        private @Nullable SslContext context;

        @Override
        public synchronized SslContext context() throws SSLException {
            SiteIdentity now = credentials.identity();
            SslContext known = context;
            if (known == null || !now.equals(identity)) {
                known = Tls.server(now);
                context = known;
                identity = now;
            }
            return known;
        }

        @Override
        public boolean admits() {
            boolean admitted = greeting.incrementAndGet() <= MAXIMUM_GREETING;
            if (!admitted) {
                greeting.decrementAndGet();
            }
            return admitted;
        }

        @Override
        public void greeted() {
            greeting.decrementAndGet();
        }

        @Override
        public Greeting.Talk talk() {
            return accepting.talk();
        }
    }

    /**
     * Keeps a link up with a peer: dials its addresses in turn, with pauses of 0.2 to 15 s, as long
     * as no link is up. A later call replaces the addresses; none means to wait for the peer.
     *
     * @param addresses {@code host:port}
     */
    public void dial(UUID peer, List<String> addresses) {
        synchronized (this) {
            peer(peer).addresses = List.copyOf(addresses);
        }
        dialNow(peer);
    }

    private void dialNow(UUID peer) {
        String address;
        synchronized (this) {
            PeerState state = peer(peer);
            state.redial = null;
            if (closed || state.dialling || state.link != null || state.addresses.isEmpty()) {
                return;
            }
            state.dialling = true;
            address = state.address();
        }
        Dialling attempt =
                new Dialling(credentials, peer, options.streams(), new Attempted(peer, address));
        scheduler.io().execute(() -> connect(attempt, peer, address));
    }

    private void connect(Dialling attempt, UUID peer, String address) {
        try {
            InetSocketAddress resolved = Addresses.resolve(address);
            SslContext context = Tls.link(credentials.identity());
            for (int i = 0; i < options.streams(); i++) {
                sockets.connect(resolved, context, attempt.talk(i));
            }
        } catch (SSLException | IllegalArgumentException failure) {
            log.debug("peer={} cannot be dialled", peer, failure);
            attempt.abandon(String.valueOf(failure.getMessage()));
        }
    }

    /** How one attempt to dial ended. */
    private final class Attempted implements Dialling.Outcome {
        private final UUID peer;
        private final String dialled;

        Attempted(UUID peer, String dialled) {
            this.peer = peer;
            this.dialled = dialled;
        }

        @Override
        public void connected(
                Hello hello,
                List<StreamHandler> streams,
                List<X509Certificate> chain,
                String address) {
            synchronized (LinkEndpoint.this) {
                peer(peer).dialling = false;
            }
            up(hello, streams, chain, address, true, () -> {});
        }

        @Override
        public void failed(@Nullable Refusal refusal, String reason) {
            synchronized (LinkEndpoint.this) {
                PeerState state = peer(peer);
                state.dialling = false;
                state.failed(refusal, dialled + ": " + reason);
                redialLater(peer, state);
            }
        }
    }

    private void redialLater(UUID peer, PeerState state) {
        if (!closed && state.redial == null && !state.addresses.isEmpty()) {
            state.redial = scheduler.schedule(state.pauseNanos(random), () -> dialNow(peer));
        }
    }

    /** What the accepting side asks and brings. */
    private final class Taker implements Accepting.Taker {
        @Override
        public void requireWanted(UUID peer) throws PeerRefusedException {
            synchronized (LinkEndpoint.this) {
                LinkCore existing = peer(peer).link;
                if (closed) {
                    throw new PeerRefusedException(Refusal.NOT_NOW, "the site is stopping");
                }
                if (existing != null && existing.dialled() && isSmaller(credentials.site(), peer)) {
                    throw new PeerRefusedException(
                            Refusal.DUPLICATE, "the link that was dialled from here stays");
                }
                long links = peers.values().stream().filter(each -> each.link != null).count();
                if (existing == null && links >= options.maximumLinks()) {
                    throw new PeerRefusedException(
                            Refusal.TOO_MANY, links + " links are up, which is the limit");
                }
            }
        }

        @Override
        public void accepted(
                Hello hello,
                List<StreamHandler> streams,
                List<X509Certificate> chain,
                String address,
                Runnable welcome) {
            up(hello, streams, chain, address, false, welcome);
        }
    }

    private static boolean isSmaller(UUID one, UUID other) {
        return one.toString().compareTo(other.toString()) < 0;
    }

    private void up(
            Hello hello,
            List<StreamHandler> streams,
            List<X509Certificate> chain,
            String address,
            boolean dialled,
            Runnable welcome) {
        UUID peer = hello.site();
        LinkCore before;
        LinkCore core;
        synchronized (this) {
            PeerState state = peer(peer);
            before = state.link;
            boolean otherStays =
                    before != null
                            && before.dialled() != dialled
                            && before.dialled() == isSmaller(credentials.site(), peer);
            if (closed || otherStays) {
                streams.forEach(StreamHandler::close);
                return;
            }
            core = core(hello, streams, chain, address, dialled);
            state.up(core);
            Cancellable redial = state.redial;
            state.redial = null;
            if (redial != null) {
                redial.cancel();
            }
        }
        if (before != null) {
            before.close("another link between the two sites has come up");
        }
        // The peer hears that it is welcome before anything else, and the user hears of the link
        // before anything that the peer says over it.
        welcome.run();
        core.start();
        streams.forEach(stream -> stream.attach(core));
        log.info(
                "link up peer={} name={} address={} dialled={} streams={}",
                peer,
                hello.name(),
                address,
                dialled,
                streams.size());
    }

    private LinkCore core(
            Hello hello,
            List<StreamHandler> streams,
            List<X509Certificate> chain,
            String address,
            boolean dialled) {
        LinkCore[] self = new LinkCore[1];
        LinkCore core =
                new LinkCore(
                        new LinkCore.Parts(
                                options,
                                scheduler,
                                hello.site(),
                                hello.name(),
                                hello.programVersion(),
                                dialled,
                                address,
                                List.copyOf(streams),
                                new LoggingUser(user)),
                        () -> credentials.verified(chain),
                        () -> down(hello.site(), self[0]));
        self[0] = core;
        core.limit(bytesPerSecond);
        return core;
    }

    private void down(UUID peer, LinkCore core) {
        synchronized (this) {
            PeerState state = peer(peer);
            if (core.equals(state.link)) {
                state.down("the link went down: " + core.downReason());
                redialLater(peer, state);
            }
        }
    }

    /** Says in the log when a link goes. */
    private record LoggingUser(LinkUser user) implements LinkUser {
        @Override
        public void up(Link link) {
            user.up(link);
        }

        @Override
        public void down(Link link, String reason) {
            log.info("link down peer={} name={}: {}", link.peer(), link.peerName(), reason);
            user.down(link, reason);
        }

        @Override
        public CompletableFuture<ByteBuf> requested(Link link, int method, ByteBuf body) {
            return user.requested(link, method, body);
        }

        @Override
        public void opened(Link link, IncomingChannel channel, int purpose, ByteBuf body) {
            user.opened(link, channel, purpose, body);
        }
    }

    /** Stops dialling a peer and ends its link. */
    public void forget(UUID peer, String reason) {
        LinkCore link;
        synchronized (this) {
            PeerState state = peer(peer);
            state.addresses = List.of();
            link = state.link;
            Cancellable redial = state.redial;
            if (redial != null) {
                redial.cancel();
            }
            peers.remove(peer);
        }
        if (link != null) {
            link.close(reason);
        }
    }

    /** The link that is up with a peer. */
    public synchronized Optional<Link> link(UUID peer) {
        PeerState state = peers.get(peer);
        return state == null ? Optional.empty() : Optional.ofNullable(state.link);
    }

    /** How it stands with a peer; WAITING for one that was never named. */
    public synchronized PeerStatus status(UUID peer) {
        PeerState state = peers.get(peer);
        return state == null ? new PeerState().status() : state.status();
    }

    /** Changes the limit of each link's DATA, of those that are up too; 0 for none. */
    public synchronized void limit(long bytes) {
        bytesPerSecond = bytes;
        for (PeerState state : peers.values()) {
            if (state.link != null) {
                state.link.limit(bytes);
            }
        }
    }

    /**
     * Pairs this site with the one that made a token: dials its addresses in turn. The card has
     * been checked against the token; writing it down is the caller's.
     *
     * @return fails with a {@link PeerRefusedException} or a {@link LinkException}
     */
    public CompletableFuture<SiteCard> pair(PairingToken token, SiteCard own) {
        return new PairingClient(sockets, scheduler.io(), token, own).start();
    }

    /** Ends all links, stops listening and dialling. */
    @Override
    public void close() {
        List<LinkCore> links = new ArrayList<>();
        synchronized (this) {
            closed = true;
            for (PeerState state : peers.values()) {
                if (state.link != null) {
                    links.add(state.link);
                }
                if (state.redial != null) {
                    state.redial.cancel();
                }
            }
        }
        links.forEach(link -> link.close("the site is stopping"));
        sockets.close();
    }
}
