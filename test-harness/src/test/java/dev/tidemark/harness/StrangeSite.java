package dev.tidemark.harness;

import dev.tidemark.execution.ThreadScheduler;
import dev.tidemark.gateway.pki.SiteAuthority;
import dev.tidemark.gateway.pki.SitePapers;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.replica.link.InboundChannel;
import dev.tidemark.replica.link.InboundHandler;
import dev.tidemark.replica.link.IncomingChannel;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkCredentials;
import dev.tidemark.replica.link.LinkEndpoint;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.link.LinkOptions;
import dev.tidemark.replica.link.LinkUser;
import dev.tidemark.replica.link.OutboundChannel;
import dev.tidemark.replica.link.OutboundHandler;
import dev.tidemark.replica.link.PairingDesk;
import dev.tidemark.replica.link.PairingToken;
import dev.tidemark.replica.link.PeerRefusedException;
import dev.tidemark.replica.link.SiteCard;
import dev.tidemark.replica.link.SiteIdentity;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A site of the test's own that is paired with a gateway like any other, and says over the link
 * whatever the test wants: it knows the protocol's bodies only as bytes. Not thread-safe.
 */
final class StrangeSite implements LinkCredentials, PairingDesk, LinkUser, AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    final UUID id = UUID.randomUUID();
    private final String name;
    private final SiteAuthority authority;
    private final SiteIdentity identity;
    private final ThreadScheduler scheduler;
    private final LinkEndpoint endpoint;
    private volatile @Nullable UUID peer;

    /** What it does with channels that the gateway opens; refuses them when there is nothing. */
    volatile @Nullable Consumer<IncomingChannel> taker;

    /** What it answers to every request. */
    volatile byte[] answer = new byte[0];

    private final AtomicInteger asked = new AtomicInteger();

    StrangeSite(String name, Path folder) {
        this.name = name;
        this.authority = SiteAuthority.init(folder.resolve(name), id, Clock.systemUTC());
        SiteAuthority.Leaf leaf = authority.leaf();
        this.identity = new SiteIdentity(leaf.key(), List.of(leaf.certificate(), leaf.authority()));
        this.scheduler =
                new ThreadScheduler(name, 2, (thread, failure) -> failure.printStackTrace());
        this.endpoint =
                new LinkEndpoint(LinkOptions.DEFAULT, scheduler, new Random(1), this, this, this);
    }

    /** Pairs by an invitation made at the gateway, and dials it. */
    StrangeSite pair(GatewayProcess gateway) throws Exception {
        String made =
                gateway.api().post("/api/v1/site/invitations", new Requests.InviteSite("10m"));
        PairingToken token = PairingToken.parse(Json.MAPPER.readTree(made).path("token").asText());
        SiteCard card = endpoint.pair(token, own()).get(30, TimeUnit.SECONDS);
        peer = card.site();
        endpoint.dial(card.site(), token.addresses());
        return this;
    }

    /** The link; waits for one. */
    Link link() throws Exception {
        UUID other = Objects.requireNonNull(peer, "paired");
        Await.until("a link", LIMIT, () -> endpoint.link(other).isPresent());
        return endpoint.link(other).orElseThrow();
    }

    /**
     * Asks; the answer's bytes are dropped.
     *
     * @return the code of the refusal; 0 when it was answered
     */
    int ask(int method, ByteBuf body) throws Exception {
        return code(link().request(method, body));
    }

    private static int code(CompletableFuture<?> answer) throws Exception {
        try {
            var _ = answer.get(20, TimeUnit.SECONDS);
            return 0;
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof LinkException refused
                    && refused.kind() == LinkException.Kind.REFUSED) {
                return refused.code();
            }
            throw failed;
        }
    }

    /** Opens a channel that must be taken. */
    Channel open(int purpose, ByteBuf offer) throws Exception {
        Channel channel = new Channel();
        channel.out = link().open(purpose, offer, channel).get(20, TimeUnit.SECONDS);
        return channel;
    }

    /** Opens a channel that must be refused; returns the code. */
    int refused(int purpose, ByteBuf offer) throws Exception {
        return code(link().open(purpose, offer, new Channel()));
    }

    /** The sending end of one. */
    static final class Channel implements OutboundHandler {
        private final CompletableFuture<Integer> closed = new CompletableFuture<>();
        private final CompletableFuture<Long> acknowledged = new CompletableFuture<>();
        private @Nullable OutboundChannel out;

        OutboundChannel out() {
            return Objects.requireNonNull(out);
        }

        Channel send(int kind, ByteBuf body) {
            out().send(kind, body);
            return this;
        }

        boolean isClosed() {
            return closed.isDone();
        }

        /** The code with which the gateway closes it. */
        int closed() throws Exception {
            return closed.get(20, TimeUnit.SECONDS);
        }

        /** The first record that it acknowledges. */
        long acknowledged() throws Exception {
            return acknowledged.get(20, TimeUnit.SECONDS);
        }

        void close() {
            out().close(LinkException.CODE_NOT_NOW, "done");
        }

        @Override
        public void ready() {}

        @Override
        public void acknowledged(ByteBuf body) {
            acknowledged.complete(body.readLongLE());
        }

        @Override
        public void message(int kind, ByteBuf body) {}

        @Override
        public void closed(int code, String reason) {
            closed.complete(code);
        }
    }

    /** Takes nothing in. */
    static final class Ignoring implements InboundHandler {
        volatile boolean ended;

        @Override
        public void received(int kind, ByteBuf body) {}

        @Override
        public void message(int kind, ByteBuf body) {}

        @Override
        public void closed(int code, String reason) {
            ended = true;
        }
    }

    /** Accepts with such a body. */
    static InboundChannel accept(IncomingChannel channel, ByteBuf opened, InboundHandler handler) {
        return channel.accept(48 << 20, opened, handler);
    }

    @Override
    public UUID site() {
        return id;
    }

    @Override
    public String siteName() {
        return name;
    }

    @Override
    public String programVersion() {
        return "strange";
    }

    @Override
    public SiteIdentity identity() {
        return identity;
    }

    @Override
    public UUID verified(List<X509Certificate> chain) throws PeerRefusedException {
        return SitePapers.site(chain.getFirst()).orElseThrow();
    }

    @Override
    public SiteCard own() {
        try {
            return new SiteCard(id, name, authority.leaf().authority().getEncoded(), List.of());
        } catch (GeneralSecurityException broken) {
            throw new AssertionError(broken);
        }
    }

    @Override
    public byte @Nullable [] secret(long secretId) {
        return null;
    }

    @Override
    public CompletableFuture<Boolean> paired(long secretId, SiteCard other) {
        return CompletableFuture.completedFuture(false);
    }

    @Override
    public void up(Link link) {}

    @Override
    public void down(Link link, String reason) {}

    @Override
    public CompletableFuture<ByteBuf> requested(Link link, int method, ByteBuf body) {
        asked.incrementAndGet();
        return CompletableFuture.completedFuture(Unpooled.wrappedBuffer(answer));
    }

    /** Requests that the gateway has made. */
    int asked() {
        return asked.get();
    }

    @Override
    public void opened(Link link, IncomingChannel channel, int purpose, ByteBuf body) {
        Consumer<IncomingChannel> with = taker;
        if (with == null) {
            channel.refuse(LinkException.CODE_NOT_NOW, "not now");
        } else {
            with.accept(channel);
        }
    }

    @Override
    public void close() {
        endpoint.close();
        scheduler.close();
    }
}
