package dev.tidemark.replica.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two sites on loopback, with real sockets and TLS 1.3. */
@Timeout(60)
class LinkEndpointTest {
    private TestSite near;
    private TestSite far;
    private String address;

    @BeforeEach
    void start() throws Exception {
        near = new TestSite(new UUID(1, 1));
        far = new TestSite(new UUID(2, 2));
        near.trusts(far);
        far.trusts(near);
        address = listen(far);
    }

    @AfterEach
    void stop() {
        near.close();
        far.close();
    }

    private static String listen(TestSite site) throws Exception {
        InetSocketAddress at =
                site.endpoint.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        return "127.0.0.1:" + at.getPort();
    }

    private static void await(String what, BooleanSupplier condition) throws Exception {
        Instant end = Instant.now().plus(Duration.ofSeconds(20));
        while (!condition.getAsBoolean()) {
            assertThat(Instant.now()).as(what).isBefore(end);
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    private Link link(TestSite site, TestSite peer) throws Exception {
        await("a link", () -> site.endpoint.link(peer.id).isPresent());
        return site.endpoint.link(peer.id).orElseThrow();
    }

    /** Takes what comes and grants as much again. */
    private static final class Counting implements InboundHandler {
        private final TestSite site;
        private final AtomicLong bytes;

        Counting(TestSite site, AtomicLong bytes) {
            this.site = site;
            this.bytes = bytes;
        }

        @Override
        public void received(int kind, ByteBuf body) {
            int length = body.readableBytes();
            bytes.addAndGet(length);
            InboundChannel channel = site.inbound;
            if (channel != null) {
                channel.grant(Frames.credit(length));
            }
        }

        @Override
        public void message(int kind, ByteBuf body) {}

        @Override
        public void closed(int code, String reason) {}
    }

    /** Lets the test wait for room. */
    private static final class Waking implements OutboundHandler {
        final Semaphore ready = new Semaphore(0);

        @Override
        public void ready() {
            ready.release();
        }

        @Override
        public void acknowledged(ByteBuf body) {}

        @Override
        public void message(int kind, ByteBuf body) {}

        @Override
        public void closed(int code, String reason) {}
    }

    @Test
    void aMixedCorpusCrossesTheLinkAndIsMeasured() throws Exception {
        AtomicLong arrived = new AtomicLong();
        far.taker = user -> new Counting(far, arrived);
        near.endpoint.dial(far.id, List.of(address));
        Waking waking = new Waking();
        OutboundChannel channel =
                link(near, far).open(1, Unpooled.EMPTY_BUFFER, waking).get(10, TimeUnit.SECONDS);
        byte[] corpus = corpus();
        long total = 512L << 20;
        long sent = 0;
        long begin = System.nanoTime();
        long cpu = cpuNanos();
        while (sent < total) {
            while (channel.credit() <= 0) {
                waking.ready.tryAcquire(100, TimeUnit.MILLISECONDS);
            }
            int at = (int) (sent % corpus.length);
            ByteBuf body = ByteBufAllocator.DEFAULT.directBuffer(1 << 20);
            channel.send(1, body.writeBytes(corpus, at, 1 << 20));
            sent += 1 << 20;
        }
        await("everything to arrive", () -> arrived.get() == total);
        double seconds = (System.nanoTime() - begin) / 1e9;
        double cores = (cpuNanos() - cpu) / 1e9;
        LinkStatus status = near.endpoint.link(far.id).orElseThrow().status();
        System.out.printf(
                "link: %.0f MB/s, %.0f MB/s for each core of both ends together, %.2f on the wire%n",
                total / 1e6 / seconds,
                total / 1e6 / cores,
                (double) status.sentWireBytes() / status.sentRawBytes());
        assertThat(status.sentWireBytes()).isLessThan(status.sentRawBytes());
    }

    private static long cpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean)
                        ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    /** Text, zeros and noise, a third each, in pieces as a disk has them. */
    private static byte[] corpus() {
        Random random = new Random(1);
        byte[] corpus = new byte[24 << 20];
        byte[] words =
                "the log is the truth, everything else is a view of it; "
                        .repeat(80)
                        .getBytes(StandardCharsets.UTF_8);
        for (int at = 0; at < corpus.length; at += 4096) {
            switch (at / 4096 % 3) {
                case 0 -> {
                    for (int i = 0; i < 4096; i++) {
                        corpus[at + i] = words[random.nextInt(words.length - 8) + i % 8];
                    }
                }
                case 1 -> {
                    byte[] noise = new byte[4096];
                    random.nextBytes(noise);
                    System.arraycopy(noise, 0, corpus, at, 4096);
                }
                default -> {
                    // Zeros.
                }
            }
        }
        return corpus;
    }

    @Test
    void aSiteThatIsNotPairedIsToldSo() throws Exception {
        far.trusted.clear();
        near.endpoint.dial(far.id, List.of(address));
        await("a refusal", () -> near.endpoint.status(far.id).refusal() == Refusal.UNKNOWN_SITE);
        assertThat(near.endpoint.status(far.id).state()).isEqualTo(PeerStatus.State.REFUSED);
        assertThat(near.endpoint.status(far.id).reason()).contains("not paired");
        assertThat(far.told).isEmpty();
    }

    @Test
    void aRevocationEndsALinkWithinAHeartbeat() throws Exception {
        near.endpoint.dial(far.id, List.of(address));
        link(far, near);
        far.refusesAll = true;
        long since = System.nanoTime();
        await("the end", () -> far.told.stream().anyMatch(each -> each.contains("revoked")));
        assertThat(System.nanoTime() - since).isLessThan(TimeUnit.SECONDS.toNanos(2));
        await("the reason", () -> near.endpoint.status(far.id).reason().contains("revoked"));
    }

    private static boolean isDialled(TestSite site, TestSite peer) {
        return site.endpoint.link(peer.id).map(link -> link.status().dialled()).orElse(false);
    }

    @Test
    void ofTwoLinksDialledFromBothSidesOneStays() throws Exception {
        String back = listen(near);
        near.endpoint.dial(far.id, List.of(address));
        far.endpoint.dial(near.id, List.of(back));
        link(near, far);
        link(far, near);
        // Whoever was first, when the other had not begun; else the one of the smaller id.
        await("one link", () -> isDialled(near, far) != isDialled(far, near));
        ByteBuf answer =
                near.endpoint
                        .link(far.id)
                        .orElseThrow()
                        .request(1, Unpooled.wrappedBuffer(new byte[3]))
                        .get(5, TimeUnit.SECONDS);
        assertThat(answer.readableBytes()).isEqualTo(3);
    }

    @Test
    void anotherVersionIsToldWhatToDo() throws Exception {
        try (SSLSocket socket = tls(near, Tls.LINK)) {
            ByteBuf hello = Hello.of(near, UUID.randomUUID(), 0, 1).encode();
            hello.setShortLE(0, 9).setShortLE(2, 7);
            write(socket, FrameType.HELLO, hello);
            ByteBuf body = readBody(socket, FrameType.REFUSE);
            assertThat(body.readUnsignedShortLE()).isEqualTo(Refusal.VERSION.code());
            assertThat(Texts.read(body)).contains("7 to 9", "same release");
        }
    }

    @Test
    void pairingFailsAlikeForAllReasonsAndIsLimited() throws Exception {
        byte[] secret = new byte[PairingToken.SECRET_BYTES];
        PairingToken unknown =
                new PairingToken(
                        Instant.now().getEpochSecond() + 600,
                        secret,
                        PairingToken.fingerprint(far.authority.getEncoded()),
                        List.of(address));
        for (int i = 0; i < 10; i++) {
            assertThatThrownBy(
                            () -> near.endpoint.pair(unknown, near.own()).get(10, TimeUnit.SECONDS))
                    .hasMessageContaining("unknown, used or expired");
        }
        far.invitations.put(PairingToken.secretId(secret), secret);
        assertThatThrownBy(() -> near.endpoint.pair(unknown, near.own()).get(10, TimeUnit.SECONDS))
                .hasMessageContaining("wait a minute");
    }

    @Test
    void connectionsThatDoNotGreetAreBoundedAndLeaveNothing() throws Exception {
        int port = Integer.parseInt(address.substring(address.indexOf(':') + 1));
        List<Socket> idle = new ArrayList<>();
        int hungUp = 0;
        for (int i = 0; i < 80; i++) {
            idle.add(new Socket(InetAddress.getLoopbackAddress(), port));
        }
        for (Socket socket : idle) {
            socket.setSoTimeout(50);
            try {
                hungUp += socket.getInputStream().read() < 0 ? 1 : 0;
            } catch (SocketTimeoutException waits) {
                // It is one of those that may greet.
            }
        }
        assertThat(hungUp).isEqualTo(16);
        for (Socket socket : idle) {
            socket.close();
        }
        near.endpoint.dial(far.id, List.of(address));
        link(far, near);
    }

    @Test
    void aTokenPairsOnce() throws Exception {
        byte[] secret = new byte[PairingToken.SECRET_BYTES];
        secret[3] = 7;
        far.invitations.put(PairingToken.secretId(secret), secret);
        PairingToken token =
                new PairingToken(
                        Instant.now().getEpochSecond() + 600,
                        secret,
                        PairingToken.fingerprint(far.authority.getEncoded()),
                        List.of("127.0.0.1:1", address));
        SiteCard card = near.endpoint.pair(token, near.own()).get(10, TimeUnit.SECONDS);
        assertThat(card.site()).isEqualTo(far.id);
        assertThat(far.told).containsExactly("paired " + near.id);
        assertThatThrownBy(() -> near.endpoint.pair(token, near.own()).get(10, TimeUnit.SECONDS))
                .hasMessageContaining("unknown, used or expired");
    }

    private SSLSocket tls(TestSite site, String protocol) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry(
                "site",
                site.identity().key(),
                new char[0],
                site.identity().chain().toArray(X509Certificate[]::new));
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, new char[0]);
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(keys.getKeyManagers(), new TrustManager[] {new Trusting()}, null);
        int port = Integer.parseInt(address.substring(address.indexOf(':') + 1));
        SSLSocket socket =
                (SSLSocket)
                        context.getSocketFactory()
                                .createSocket(InetAddress.getLoopbackAddress(), port);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {protocol});
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    private static final class Trusting implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    private static void write(SSLSocket socket, FrameType type, ByteBuf body) throws Exception {
        ByteBuf frame = Frames.frame(ByteBufAllocator.DEFAULT, type, false, 0, body);
        OutputStream out = socket.getOutputStream();
        frame.readBytes(out, frame.readableBytes());
        frame.release();
        out.flush();
    }

    private static ByteBuf readBody(SSLSocket socket, FrameType expected) throws Exception {
        InputStream in = socket.getInputStream();
        ByteBuffer head =
                ByteBuffer.wrap(in.readNBytes(Frames.HEADER_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(FrameType.of(head.get(4))).isEqualTo(expected);
        return Unpooled.wrappedBuffer(in.readNBytes(head.getInt(8)));
    }
}
