package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.harness.ChaosProxy.Way;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The proxy before a server that sends back what it gets. */
@Timeout(60)
final class ChaosProxyTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int SILENCE_MILLIS = 200;
    private static final Duration LONG = Duration.ofHours(1);

    private final ServerSocket server = listen();
    private final List<Socket> served = new CopyOnWriteArrayList<>();
    private final List<AutoCloseable> toClose = new ArrayList<>();
    private final ChaosProxy proxy = new ChaosProxy();
    private InetSocketAddress address = new InetSocketAddress(0);

    ChaosProxyTest() throws IOException {}

    private static ServerSocket listen() throws IOException {
        return new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    @BeforeEach
    void start() throws IOException {
        Thread.ofVirtual().start(this::serve);
        address =
                proxy.route(
                        InetAddress.getLoopbackAddress(),
                        (InetSocketAddress) server.getLocalSocketAddress(),
                        Way.THERE);
    }

    @AfterEach
    void stop() throws Exception {
        proxy.close();
        server.close();
        for (AutoCloseable each : toClose) {
            each.close();
        }
    }

    private void serve() {
        try {
            while (true) {
                Socket socket = server.accept();
                served.add(socket);
                Thread.ofVirtual().start(() -> echo(socket));
            }
        } catch (IOException closed) {
            // The test is over.
        }
    }

    private static void echo(Socket socket) {
        try (socket) {
            socket.getInputStream().transferTo(socket.getOutputStream());
        } catch (IOException closed) {
            // So does this end.
        }
    }

    /** A connection through the proxy. */
    private final class Line {
        final Socket socket;
        final DataInputStream in;
        final DataOutputStream out;

        Line() throws IOException {
            socket = new Socket(address.getAddress(), address.getPort());
            socket.setTcpNoDelay(true);
            socket.setSoTimeout((int) LIMIT.toMillis());
            in = new DataInputStream(socket.getInputStream());
            out = new DataOutputStream(socket.getOutputStream());
            toClose.add(socket);
        }

        void expectEcho(int number) throws IOException {
            out.writeInt(number);
            assertThat(in.readInt()).isEqualTo(number);
        }

        void expectSilence() throws IOException {
            socket.setSoTimeout(SILENCE_MILLIS);
            assertThatThrownBy(in::read).isInstanceOf(SocketTimeoutException.class);
            socket.setSoTimeout((int) LIMIT.toMillis());
        }

        void expectReset() {
            assertThatThrownBy(
                            () -> {
                                out.writeInt(0);
                                in.readInt();
                            })
                    .isInstanceOf(SocketException.class);
        }

        /** Sends from another thread and reads it all back; returns how long that took. */
        Duration expectEchoOf(int bytes) throws Exception {
            byte[] sent = new byte[bytes];
            new Random(bytes).nextBytes(sent);
            long start = System.nanoTime();
            Thread sender = Thread.ofVirtual().start(() -> send(sent));
            byte[] received = in.readNBytes(bytes);
            Duration taken = Duration.ofNanos(System.nanoTime() - start);
            sender.join();
            assertThat(received).isEqualTo(sent);
            return taken;
        }

        private void send(byte[] content) {
            try {
                out.write(content);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static Duration since(long nanos) {
        return Duration.ofNanos(System.nanoTime() - nanos);
    }

    @Test
    void a_good_network_passes_and_counts_bytes_and_ends() throws Exception {
        Line line = new Line();
        line.expectEchoOf(1_000_000);
        assertThat(proxy.openConnections()).isOne();
        line.socket.shutdownOutput();
        assertThat(line.in.read()).isEqualTo(-1);
        Await.until("the connection to be gone", LIMIT, () -> proxy.openConnections() == 0);
        assertThat(proxy.carriedBytes(Way.THERE)).isEqualTo(1_000_000);
        assertThat(proxy.carriedBytes(Way.BACK)).isEqualTo(1_000_000);
        assertThat(proxy.acceptedConnections()).isOne();
    }

    @Test
    void each_way_has_its_own_delay() throws Exception {
        proxy.delay(Way.THERE, Duration.ofMillis(100), Duration.ZERO);
        proxy.delay(Way.BACK, Duration.ofMillis(200), Duration.ZERO);
        Line line = new Line();
        long start = System.nanoTime();
        line.expectEcho(1);
        assertThat(since(start)).isBetween(Duration.ofMillis(300), Duration.ofMillis(1500));
        proxy.heal();
        start = System.nanoTime();
        line.expectEcho(2);
        assertThat(since(start)).isLessThan(Duration.ofMillis(300));
    }

    @Test
    void a_delay_does_not_limit_how_much_passes() throws Exception {
        proxy.delay(Duration.ofMillis(50), Duration.ofMillis(10));
        // Piece after piece, the delay alone would take minutes.
        assertThat(new Line().expectEchoOf(32 << 20)).isLessThan(LIMIT);
    }

    @Test
    void what_is_on_its_way_is_bounded() throws Exception {
        proxy.delay(LONG, Duration.ZERO);
        try (SocketChannel channel = SocketChannel.open(address)) {
            channel.configureBlocking(false);
            ByteBuffer piece = ByteBuffer.allocate(64 << 10);
            long[] sent = {0, System.nanoTime()};
            Await.until(
                    "the proxy to take no more",
                    LIMIT,
                    () -> {
                        int count = channel.write(piece.clear());
                        while (count > 0) {
                            sent[0] += count;
                            sent[1] = System.nanoTime();
                            assertThat(sent[0]).isLessThan(32 << 20);
                            count = channel.write(piece.clear());
                        }
                        return since(sent[1]).toMillis() > SILENCE_MILLIS;
                    });
            assertThat(sent[0]).isGreaterThan(1 << 20);
        }
    }

    @Test
    void bandwidth_is_shared_by_all_connections() throws Exception {
        Line one = new Line();
        Line other = new Line();
        proxy.bandwidth(Way.THERE, 2 << 20);
        long start = System.nanoTime();
        Thread beside = Thread.ofVirtual().start(() -> other.send(new byte[1 << 20]));
        one.expectEchoOf(1 << 20);
        other.in.skipNBytes(1 << 20);
        beside.join();
        assertThat(since(start)).isBetween(Duration.ofMillis(950), Duration.ofSeconds(5));

        proxy.bandwidth(TokenBucket.UNLIMITED);
        assertThat(one.expectEchoOf(4 << 20)).isLessThan(Duration.ofMillis(1900));
    }

    @Test
    void a_connection_overtakes_a_slower_one() throws Exception {
        proxy.extraDelay(number -> number == 0 ? LONG : Duration.ZERO);
        Line slow = new Line();
        slow.out.writeInt(1);
        Await.until("the slow one", LIMIT, () -> proxy.openConnections() == 1);
        new Line().expectEcho(2);
        slow.expectSilence();
    }

    @Test
    void jitter_lets_connections_overtake_each_other_and_keeps_each_in_order() throws Exception {
        Line one = new Line();
        Line other = new Line();
        proxy.delay(Way.THERE, Duration.ZERO, Duration.ofMillis(60));
        int oneFirst = 0;
        int otherFirst = 0;
        for (int round = 0; round < 40; round++) {
            one.out.writeInt(round);
            other.out.writeInt(round);
            Await.until(
                    "one of them to arrive",
                    LIMIT,
                    () -> one.in.available() > 0 || other.in.available() > 0);
            if (one.in.available() == 0) {
                otherFirst++;
            } else if (other.in.available() == 0) {
                oneFirst++;
            }
            assertThat(one.in.readInt()).isEqualTo(round);
            assertThat(other.in.readInt()).isEqualTo(round);
        }
        assertThat(Math.min(oneFirst, otherFirst)).isGreaterThanOrEqualTo(3);
        one.expectEchoOf(1 << 20);
    }

    @Test
    void a_cut_resets_all_and_new_ones_are_taken() throws Exception {
        Line one = new Line();
        Line other = new Line();
        one.expectEcho(1);
        other.expectEcho(2);
        assertThat(proxy.cut()).isEqualTo(2);
        assertThat(proxy.openConnections()).isZero();
        one.expectReset();
        other.expectReset();
        Await.until(
                "the server to notice", LIMIT, () -> served.stream().allMatch(Socket::isClosed));
        new Line().expectEcho(3);
    }

    @Test
    void a_cut_loses_what_is_on_its_way_and_waits_for_nothing() throws Exception {
        Line line = new Line();
        line.expectEcho(1);
        proxy.delay(LONG, Duration.ZERO);
        line.out.writeInt(2);
        proxy.cut();
        line.expectReset();
        assertThat(proxy.carriedBytes(Way.THERE)).isEqualTo(4);
    }

    @Test
    void new_connections_are_refused_and_old_ones_stay() throws Exception {
        Line old = new Line();
        old.expectEcho(1);
        proxy.refuse(true);
        new Line().expectReset();
        old.expectEcho(2);
        assertThat(served).hasSize(1);
        proxy.refuse(false);
        new Line().expectEcho(3);
    }

    @Test
    void a_dead_network_is_silent_and_holds_what_it_has() throws Exception {
        Line old = new Line();
        old.expectEcho(1);
        proxy.hang(true);
        old.out.writeInt(2);
        old.expectSilence();
        Line late = new Line(); // The kernel's handshake and nothing more.
        late.out.writeInt(3);
        late.expectSilence();
        assertThat(served).hasSize(1);
        proxy.hang(false);
        assertThat(old.in.readInt()).isEqualTo(2);
        assertThat(late.in.readInt()).isEqualTo(3);
    }

    @Test
    void a_dead_network_does_not_tell_that_a_side_has_closed() throws Exception {
        Line line = new Line();
        line.expectEcho(1);
        proxy.hang(true);
        line.socket.close();
        new Line().expectSilence();
        assertThat(served.getFirst().isClosed()).isFalse();
        proxy.hang(false);
        Await.until("the server to know", LIMIT, () -> served.getFirst().isClosed());
    }

    @Test
    void one_way_can_be_dead_alone() throws Exception {
        Line line = new Line();
        line.expectEcho(1);
        proxy.hang(Way.BACK, true);
        line.out.writeInt(2);
        Await.until("the way there", LIMIT, () -> proxy.carriedBytes(Way.THERE) == 8);
        line.expectSilence();
        proxy.hang(Way.BACK, false);
        assertThat(line.in.readInt()).isEqualTo(2);
    }

    @Test
    void a_dead_network_can_be_cut() throws Exception {
        Line line = new Line();
        line.expectEcho(1);
        proxy.hang(true);
        line.out.writeInt(2);
        assertThat(proxy.cut()).isOne();
        line.expectReset();
    }

    @Test
    void a_reset_of_one_side_is_told_to_the_other() throws Exception {
        Line line = new Line();
        line.expectEcho(1);
        line.socket.setSoLinger(true, 0);
        line.socket.close();
        Await.until("the server to notice", LIMIT, () -> served.getFirst().isClosed());
        Await.until("the connection to be gone", LIMIT, () -> proxy.openConnections() == 0);
    }

    @Test
    void a_server_that_is_not_there_is_a_reset() throws Exception {
        address =
                proxy.route(
                        InetAddress.getLoopbackAddress(), GatewayProcess.freeAddress(), Way.THERE);
        new Line().expectReset();
        assertThat(proxy.carriedBytes(Way.THERE)).isZero();
    }
}
