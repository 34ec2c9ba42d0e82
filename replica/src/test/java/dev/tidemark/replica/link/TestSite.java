package dev.tidemark.replica.link;

import dev.tidemark.execution.ThreadScheduler;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/** A site with keys of its own, whose peers are those it is told to trust. */
final class TestSite implements LinkCredentials, PairingDesk, LinkUser, AutoCloseable {
    static final long CREDIT_BYTES = 48 << 20;

    /** A request that this site fails on. */
    static final int METHOD_THAT_FAILS = 13;

    final UUID id;
    final KeyPair authorityKey;
    final X509Certificate authority;
    final Map<UUID, X509Certificate> trusted = new ConcurrentHashMap<>();
    final List<String> told = new CopyOnWriteArrayList<>();
    final ThreadScheduler scheduler;
    final LinkEndpoint endpoint;
    final Map<Long, byte[]> invitations = new ConcurrentHashMap<>();
    volatile boolean refusesAll;
    volatile @Nullable Function<LinkUser, InboundHandler> taker;
    volatile @Nullable InboundChannel inbound;
    private final SiteIdentity identity;

    TestSite(UUID id) throws Exception {
        this.id = id;
        authorityKey = key();
        authority = certificate("authority of " + id, authorityKey, authorityKey, 1, 365);
        KeyPair leafKey = key();
        identity =
                new SiteIdentity(
                        leafKey.getPrivate(),
                        List.of(
                                certificate(id.toString(), leafKey, authorityKey, 2, 30),
                                authority));
        scheduler = new ThreadScheduler("site", 4, (thread, failure) -> told.add("!" + failure));
        endpoint =
                new LinkEndpoint(LinkOptions.DEFAULT, scheduler, new Random(1), this, this, this);
    }

    private static KeyPair key() throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(256);
        return generator.generateKeyPair();
    }

    private X509Certificate certificate(
            String name, KeyPair key, KeyPair signer, int serial, int days) throws Exception {
        Instant now = Instant.now();
        X509v3CertificateBuilder builder =
                new JcaX509v3CertificateBuilder(
                        new X500Name("CN=authority of " + id),
                        BigInteger.valueOf(serial),
                        Date.from(now.minusSeconds(60)),
                        Date.from(now.plusSeconds(86_400L * days)),
                        new X500Name("CN=" + name),
                        key.getPublic());
        return new JcaX509CertificateConverter()
                .getCertificate(
                        builder.build(
                                new JcaContentSignerBuilder("SHA256withECDSA")
                                        .build(signer.getPrivate())));
    }

    /** Listens on loopback; returns the port. */
    int listen() throws IOException {
        return endpoint.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .getPort();
    }

    void trusts(TestSite other) {
        trusted.put(other.id, other.authority);
    }

    @Override
    public UUID site() {
        return id;
    }

    @Override
    public String siteName() {
        return "site " + id;
    }

    @Override
    public String programVersion() {
        return "test";
    }

    @Override
    public SiteIdentity identity() {
        return identity;
    }

    @Override
    public UUID verified(List<X509Certificate> chain) throws PeerRefusedException {
        X509Certificate leaf = chain.getFirst();
        if (refusesAll) {
            throw new PeerRefusedException(Refusal.REVOKED, "everything is revoked");
        }
        for (Map.Entry<UUID, X509Certificate> peer : trusted.entrySet()) {
            try {
                leaf.verify(peer.getValue().getPublicKey());
                return peer.getKey();
            } catch (GeneralSecurityException another) {
                // Perhaps the next.
            }
        }
        throw new PeerRefusedException(Refusal.UNKNOWN_SITE, "not paired with this site");
    }

    @Override
    public SiteCard own() {
        try {
            return new SiteCard(id, siteName(), authority.getEncoded(), List.of());
        } catch (GeneralSecurityException broken) {
            throw new AssertionError(broken);
        }
    }

    @Override
    public byte @Nullable [] secret(long secretId) {
        return invitations.get(secretId);
    }

    @Override
    public CompletableFuture<Boolean> paired(long secretId, SiteCard peer) {
        told.add("paired " + peer.site());
        return CompletableFuture.completedFuture(invitations.remove(secretId) != null);
    }

    @Override
    public void up(Link link) {
        told.add("up");
    }

    @Override
    public void down(Link link, String reason) {
        told.add("down: " + reason);
    }

    @Override
    public CompletableFuture<ByteBuf> requested(Link link, int method, ByteBuf body) {
        if (method == METHOD_THAT_FAILS) {
            throw new IllegalStateException("as the test wants it");
        }
        return CompletableFuture.completedFuture(Unpooled.copiedBuffer(body));
    }

    @Override
    public void opened(Link link, IncomingChannel channel, int purpose, ByteBuf body) {
        Function<LinkUser, InboundHandler> made = taker;
        if (made == null) {
            channel.refuse(101, "nothing is taken here");
        } else {
            inbound = channel.accept(CREDIT_BYTES, Unpooled.EMPTY_BUFFER, made.apply(this));
        }
    }

    @Override
    public void close() {
        endpoint.close();
        scheduler.close();
    }
}
