package dev.tidemark.harness;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;

/**
 * A TCP proxy that is a bad network between two sides: slow, narrow, cut, split or silent, as it is
 * told from moment to moment. Each connection has two {@link ChaosPump}s. Delays do not limit how
 * much passes, and bandwidth does not lengthen delays but by what the socket buffers hold. The
 * bytes of one connection stay in order; those of different connections overtake each other. It is
 * a good network at first. Thread-safe.
 */
final class ChaosProxy implements AutoCloseable {
    /** Which way bytes go between the two sides, whoever has dialled. */
    enum Way {
        THERE,
        BACK;

        Way other() {
            return this == THERE ? BACK : THERE;
        }
    }

    /** What holds for one way. */
    private static final class Conditions {
        final TokenBucket bandwidth = new TokenBucket();
        final AtomicLong carried = new AtomicLong();
        volatile long delayNanos;
        volatile long jitterNanos;
        volatile boolean hanging; // changed with the proxy's monitor held
    }

    /** Few, so that a narrow network is felt by who sends and not by a full buffer. */
    private static final int SOCKET_BUFFER_BYTES = 256 << 10;

    private static final int BACKLOG = 64;

    private final Conditions there = new Conditions();
    private final Conditions back = new Conditions();
    private final List<ServerSocket> servers = new CopyOnWriteArrayList<>();
    private final List<ChaosConnection> open = new CopyOnWriteArrayList<>();
    private final AtomicInteger accepted = new AtomicInteger();
    private volatile IntFunction<Duration> extraDelay = number -> Duration.ZERO;
    private volatile boolean refusing;
    private volatile boolean closed;

    /**
     * Listens on a port that the system chooses, and returns it.
     *
     * @param target where connections to the address go
     * @param way which way bytes go from who dials the address to the target
     */
    InetSocketAddress route(InetAddress listen, InetSocketAddress target, Way way)
            throws IOException {
        ServerSocket server = new ServerSocket();
        server.setReceiveBufferSize(SOCKET_BUFFER_BYTES); // inherited by what it accepts
        server.bind(new InetSocketAddress(listen, 0), BACKLOG);
        servers.add(server);
        Thread.ofVirtual().name("chaos-accept").start(() -> accept(server, target, way));
        return (InetSocketAddress) server.getLocalSocketAddress();
    }

    private void accept(ServerSocket server, InetSocketAddress target, Way way) {
        try {
            while (true) {
                awaitPassage(() -> !closed); // a dead network has no handshakes either
                Socket client = server.accept();
                awaitPassage(() -> !closed);
                int number = accepted.getAndIncrement();
                Thread.ofVirtual()
                        .name("chaos-connect-" + number)
                        .start(() -> join(number, client, target, way));
            }
        } catch (IOException | InterruptedException e) {
            // The test is over.
        }
    }

    private void join(int number, Socket client, InetSocketAddress target, Way way) {
        if (refusing) {
            ChaosConnection.reset(client);
            return;
        }
        Socket server = new Socket();
        try {
            server.setReceiveBufferSize(SOCKET_BUFFER_BYTES);
            server.connect(target);
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
        } catch (IOException nobody) {
            ChaosConnection.reset(server);
            ChaosConnection.reset(client);
            return;
        }
        ChaosConnection connection =
                new ChaosConnection(this, number, way, client, server, open::remove);
        open.add(connection);
        if (closed || refusing) {
            connection.reset(); // came in while all others were cut
        }
        connection.start();
    }

    private Conditions of(Way way) {
        return way == Way.THERE ? there : back;
    }

    // What the test sets

    /**
     * How long bytes are on their way, from now on.
     *
     * @param jitter up to so much longer, drawn anew for each piece
     */
    void delay(Way way, Duration oneWay, Duration jitter) {
        of(way).delayNanos = oneWay.toNanos();
        of(way).jitterNanos = jitter.toNanos();
    }

    /** The same both ways. */
    void delay(Duration oneWay, Duration jitter) {
        delay(Way.THERE, oneWay, jitter);
        delay(Way.BACK, oneWay, jitter);
    }

    /** What a connection is slower than the others, both ways, by its number (from 0). */
    void extraDelay(IntFunction<Duration> byConnection) {
        extraDelay = byConnection;
    }

    /** Over all connections; {@link TokenBucket#UNLIMITED} for no limit. */
    void bandwidth(Way way, long bytesPerSecond) {
        of(way).bandwidth.rate(bytesPerSecond);
    }

    /** The same both ways, each for itself. */
    void bandwidth(long bytesPerSecond) {
        bandwidth(Way.THERE, bytesPerSecond);
        bandwidth(Way.BACK, bytesPerSecond);
    }

    /** Resets all connections; what was on its way is lost. Returns how many there were. */
    int cut() {
        List<ChaosConnection> all = List.copyOf(open);
        all.forEach(ChaosConnection::reset);
        return all.size();
    }

    /** Whether new connections are reset at once; those that are there stay. */
    void refuse(boolean refused) {
        refusing = refused;
    }

    /**
     * Whether nothing passes one way, neither bytes nor the news that a side has closed. What was
     * on its way is held, and passes afterwards if the connection is still there.
     */
    synchronized void hang(Way way, boolean hung) {
        of(way).hanging = hung;
        notifyAll();
    }

    /** Both ways: then new connections get no answer either. */
    synchronized void hang(boolean hung) {
        hang(Way.THERE, hung);
        hang(Way.BACK, hung);
    }

    /** A good network again, for the connections that are there and for new ones. */
    void heal() {
        delay(Duration.ZERO, Duration.ZERO);
        extraDelay(number -> Duration.ZERO);
        bandwidth(TokenBucket.UNLIMITED);
        refuse(false);
        hang(false);
    }

    // What the test asks

    /** Bytes that have been handed on, by all connections there ever were. */
    long carriedBytes(Way way) {
        return of(way).carried.get();
    }

    /** Connections that are there. */
    int openConnections() {
        return open.size();
    }

    /** Connections there ever were, with those that were reset at once. */
    int acceptedConnections() {
        return accepted.get();
    }

    // For its pumps

    /** When a piece that comes in now is due, by {@link System#nanoTime}. */
    long dueNanos(Way way, int connection) {
        Conditions conditions = of(way);
        long jitter = conditions.jitterNanos;
        return System.nanoTime()
                + conditions.delayNanos
                + extraDelay.apply(connection).toNanos()
                + (jitter == 0 ? 0 : ThreadLocalRandom.current().nextLong(jitter));
    }

    void awaitBandwidth(Way way, int bytes, BooleanSupplier wanted) throws InterruptedException {
        of(way).bandwidth.take(bytes, wanted);
    }

    /** Waits while this way hangs and the answer is yes. */
    synchronized void awaitPassage(Way way, BooleanSupplier wanted) throws InterruptedException {
        while (of(way).hanging && wanted.getAsBoolean()) {
            wait();
        }
    }

    private synchronized void awaitPassage(BooleanSupplier wanted) throws InterruptedException {
        while (there.hanging && back.hanging && wanted.getAsBoolean()) {
            wait();
        }
    }

    void carried(Way way, int bytes) {
        of(way).carried.addAndGet(bytes);
    }

    /** Lets who waits look again. */
    synchronized void wake() {
        notifyAll();
    }

    @Override
    public void close() throws IOException {
        closed = true;
        refusing = true;
        wake();
        for (ServerSocket server : servers) {
            server.close();
        }
        cut();
    }
}
