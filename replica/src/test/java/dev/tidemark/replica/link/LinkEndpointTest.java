package dev.tidemark.replica.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLSocket;
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

    @Test
    void aMixedCorpusCrossesTheLinkAsItIsAndInHalfTheBytes() throws Exception {
        AtomicLong arrived = new AtomicLong();
        ContentSum received = new ContentSum(ContentSum.Kind.SHA_256);
        far.taker =
                user ->
                        new GrantingHandler(
                                far,
                                body -> {
                                    received.add(body);
                                    arrived.addAndGet(body.readableBytes());
                                });
        near.endpoint.dial(far.id, List.of(address));
        WakingHandler waking = new WakingHandler();
        OutboundChannel channel =
                link(near, far).open(1, Unpooled.EMPTY_BUFFER, waking).get(10, TimeUnit.SECONDS);
        ContentSum sent = new ContentSum(ContentSum.Kind.SHA_256);
        try (MixedCorpus corpus = new MixedCorpus(1, 128)) {
            for (ByteBuf body : corpus.bodies()) {
                sent.add(body);
                waking.send(channel, 1, body.retainedSlice());
            }
            long total = 128L * MixedCorpus.BODY_BYTES;
            await("everything to arrive", () -> arrived.get() == total);
        }
        assertThat(received.end()).isEqualTo(sent.end());
        LinkStatus status = near.endpoint.link(far.id).orElseThrow().status();
        assertThat((double) status.sentWireBytes() / status.sentRawBytes()).isBetween(0.4, 0.55);
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
        // Each may still have another one than the other for a moment: that one ends.
        await("an answer", () -> answerBytes(near, far) == 3);
    }

    /** Less than 0 when there is no link, or it ends. */
    private static int answerBytes(TestSite site, TestSite peer) {
        return site.endpoint
                .link(peer.id)
                .map(link ->
                        link.request(1, Unpooled.wrappedBuffer(new byte[3]))
                                .handle((answer, ended) ->
                                        ended == null ? answer.readableBytes() : -1)
                                .orTimeout(5, TimeUnit.SECONDS)
                                .join())
                .orElse(-1);
    }

    @Test
    void anotherVersionIsToldWhatToDo() throws Exception {
        int port = Integer.parseInt(address.substring(address.indexOf(':') + 1));
        try (SSLSocket socket = RawStream.connect(near, port, Tls.LINK)) {
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
