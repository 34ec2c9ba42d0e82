package dev.tidemark.nbd;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NBD server: listens, and gives every connection its handlers.
 *
 * <p>Thread-safe. {@link #start} once, {@link #stop} any number of times.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed close has nobody to tell
public final class NbdServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);

    /** One read takes what a client with many requests in flight has sent; grows with its use. */
    private static final int RECEIVE_MINIMUM_BYTES = 4 << 10;

    private static final int RECEIVE_INITIAL_BYTES = 64 << 10;
    private static final int RECEIVE_MAXIMUM_BYTES = 1 << 20;

    /** Reads before the replies of what they brought are sent. */
    private static final int READS_PER_TURN = 16;

    /** The system cuts this down to its own limit. TCP sizes its buffers by itself. */
    private static final int UNIX_BUFFER_BYTES = 4 << 20;

    private static final int BACKLOG = 1024;

    /** How long {@link #close} lets clients finish. */
    private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(10);

    private final NbdServerConfig config;
    private final NbdService service;
    private final Transport transport;
    private final Set<Channel> connections = ConcurrentHashMap.newKeySet();
    private final List<Channel> listeners = new ArrayList<>();
    private final List<Path> socketFiles = new ArrayList<>();
    private @Nullable EventLoopGroup group;
    private @Nullable CompletableFuture<Void> stopped;

    /** A server that is not yet listening. */
    public NbdServer(NbdServerConfig config, ExportCatalog catalog, NbdMetrics metrics) {
        this.config = config;
        this.service = new NbdService(catalog, config.limits(), metrics, config.tls());
        this.transport = Transport.choose(config.nativeTransport());
    }

    /**
     * Listens on all addresses, or on none.
     *
     * @return the addresses, with the ports the system chose
     */
    public synchronized List<ListenAddress> start() throws NbdServerException {
        if (group != null || stopped != null) {
            throw new IllegalStateException("the server was started before");
        }
        EventLoopGroup loops =
                new MultiThreadIoEventLoopGroup(
                        config.eventLoops() == 0
                                ? Runtime.getRuntime().availableProcessors()
                                : config.eventLoops(),
                        new DefaultThreadFactory("nbd", true),
                        transport.ioHandlerFactory());
        group = loops;
        List<ListenAddress> bound = new ArrayList<>();
        try {
            for (ListenAddress address : config.listen()) {
                bound.add(listen(loops, address));
            }
        } catch (NbdServerException | RuntimeException e) {
            closeListeners();
            stopped = CompletableFuture.completedFuture(null);
            loops.shutdownGracefully(0, 0, TimeUnit.SECONDS);
            throw e;
        }
        LOG.info("NBD on {} ({})", bound, transport);
        return List.copyOf(bound);
    }

    private ListenAddress listen(EventLoopGroup loops, ListenAddress address)
            throws NbdServerException {
        if (address instanceof ListenAddress.Inherited inherited) {
            return adopt(loops, inherited);
        }
        if (address instanceof ListenAddress.Unix(Path path, var mode)) {
            removeStale(path);
        }
        if (transport.socketAddress(address) instanceof InetSocketAddress inet
                && inet.isUnresolved()) {
            throw new NbdServerException(
                    address + ": the host name is not known; use an address of this machine", null);
        }
        ChannelFuture bind = bootstrap(loops, address).bind(transport.socketAddress(address));
        bind.awaitUninterruptibly();
        Throwable failure = bind.cause();
        if (failure != null) {
            throw new NbdServerException(explain(address, failure), failure);
        }
        listeners.add(bind.channel());
        return switch (address) {
            case ListenAddress.Tcp tcp ->
                    new ListenAddress.Tcp(
                            tcp.host(),
                            ((InetSocketAddress) bind.channel().localAddress()).getPort());
            case ListenAddress.Unix unix -> {
                protect(unix);
                yield unix;
            }
            case ListenAddress.Inherited inherited ->
                    throw new AssertionError(inherited + " is adopted, not bound");
        };
    }

    private ListenAddress adopt(EventLoopGroup loops, ListenAddress.Inherited inherited)
            throws NbdServerException {
        if (transport != Transport.EPOLL) {
            throw new NbdServerException(
                    inherited + " needs the epoll transport, which does not load here", null);
        }
        InheritedSocket.requireListening(inherited);
        ChannelFuture registered = bootstrap(loops, inherited).register();
        registered.awaitUninterruptibly();
        Throwable failure = registered.cause();
        if (failure != null) {
            throw new NbdServerException(explain(inherited, failure), failure);
        }
        listeners.add(registered.channel());
        return InheritedSocket.address(inherited);
    }

    private ServerBootstrap bootstrap(EventLoopGroup loops, ListenAddress address) {
        NbdLimits limits = config.limits();
        ServerBootstrap bootstrap =
                new ServerBootstrap()
                        .group(loops)
                        .channelFactory(() -> transport.newServerChannel(address))
                        .option(ChannelOption.SO_BACKLOG, BACKLOG)
                        .childOption(
                                ChannelOption.WRITE_BUFFER_WATER_MARK,
                                new WriteBufferWaterMark(
                                        limits.outboundBytes() / 2, limits.outboundBytes()))
                        .childOption(
                                ChannelOption.RECVBUF_ALLOCATOR,
                                new AdaptiveRecvByteBufAllocator(
                                                RECEIVE_MINIMUM_BYTES,
                                                RECEIVE_INITIAL_BYTES,
                                                RECEIVE_MAXIMUM_BYTES)
                                        .maxMessagesPerRead(READS_PER_TURN))
                        .childHandler(new Connect());
        if (transport.knowsHalfClosure(address)) {
            bootstrap.childOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        }
        return switch (address) {
            case ListenAddress.Tcp tcp -> tcp(bootstrap.option(ChannelOption.SO_REUSEADDR, true));
            case ListenAddress.Unix unix -> unix(bootstrap);
            case ListenAddress.Inherited(int descriptor) ->
                    InheritedSocket.isUnix(descriptor) ? unix(bootstrap) : tcp(bootstrap);
        };
    }

    private static ServerBootstrap tcp(ServerBootstrap bootstrap) {
        return bootstrap
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.SO_KEEPALIVE, true);
    }

    private static ServerBootstrap unix(ServerBootstrap bootstrap) {
        return bootstrap
                .childOption(ChannelOption.SO_SNDBUF, UNIX_BUFFER_BYTES)
                .childOption(ChannelOption.SO_RCVBUF, UNIX_BUFFER_BYTES);
    }

    /** Sets up accepted channels. */
    private final class Connect extends ChannelInitializer<Channel> {
        @Override
        protected void initChannel(Channel channel) {
            connections.add(channel);
            channel.closeFuture().addListener(future -> connections.remove(channel));
            channel.pipeline().addLast("handshake", new HandshakeHandler(service));
        }
    }

    private static String explain(ListenAddress address, Throwable failure) {
        String reason = String.valueOf(failure.getMessage());
        if (reason.contains("Address already in use")) {
            return address
                    + " is in use by another process; stop that process or choose another address";
        }
        if (reason.contains("Permission denied")) {
            return address + ": permission denied; choose a port above 1023 or a writable folder";
        }
        if (reason.contains("Cannot assign requested address")) {
            return address + " is no address of this machine; use one that is, or 0.0.0.0 for all";
        }
        return "cannot listen on " + address + ": " + reason;
    }

    /** Removes the socket file of a process that died; refuses when one still answers there. */
    private static void removeStale(Path path) throws NbdServerException {
        if (!Files.exists(path)) {
            return;
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(UnixDomainSocketAddress.of(path));
        } catch (SocketException refused) {
            deleteStale(path, refused);
            return;
        } catch (IOException e) {
            throw new NbdServerException("cannot look at unix:" + path + ": " + e.getMessage(), e);
        }
        throw new NbdServerException(
                "unix:" + path + " is in use by another process; stop it or choose another path",
                null);
    }

    private static void deleteStale(Path path, SocketException refused) throws NbdServerException {
        if (Files.isRegularFile(path) || Files.isDirectory(path)) {
            throw new NbdServerException(
                    "unix:" + path + " exists and is no socket; remove it or choose another path",
                    refused);
        }
        try {
            Files.delete(path);
        } catch (IOException e) {
            throw new NbdServerException(
                    "cannot replace the socket file " + path + ": " + e.getMessage(), e);
        }
    }

    private void protect(ListenAddress.Unix unix) throws NbdServerException {
        socketFiles.add(unix.path());
        try {
            Files.setPosixFilePermissions(unix.path(), unix.mode());
        } catch (IOException e) {
            throw new NbdServerException(
                    "cannot set the mode of " + unix.path() + ": " + e.getMessage(), e);
        }
    }

    /**
     * Stops in an orderly way: no new connections; requests in flight are answered, those that come
     * later are not, and each connection is closed; whatever is left after {@code deadline} is cut
     * off. The first call decides the deadline.
     *
     * @return completes when all connections are closed
     */
    public synchronized CompletableFuture<Void> stop(Duration deadline) {
        CompletableFuture<Void> already = stopped;
        if (already != null) {
            return already.copy();
        }
        CompletableFuture<Void> result = new CompletableFuture<>();
        stopped = result;
        EventLoopGroup loops = group;
        if (loops == null) {
            result.complete(null);
            return result.copy();
        }
        service.beginStop();
        closeListeners();
        List<CompletableFuture<?>> closed = new ArrayList<>();
        for (Channel connection : connections) {
            CompletableFuture<?> end = new CompletableFuture<>();
            closed.add(end);
            connection.closeFuture().addListener(future -> end.complete(null));
            connection.pipeline().fireUserEventTriggered(StopEvent.INSTANCE);
        }
        CompletableFuture.allOf(closed.toArray(CompletableFuture[]::new))
                .orTimeout(deadline.toMillis(), TimeUnit.MILLISECONDS)
                .whenComplete((nothing, late) -> cutOff(loops, result));
        return result.copy();
    }

    private void cutOff(EventLoopGroup loops, CompletableFuture<Void> result) {
        if (!connections.isEmpty()) {
            LOG.warn("{} NBD connections were cut off at the deadline", connections.size());
            connections.forEach(Channel::close);
        }
        loops.shutdownGracefully(0, 2, TimeUnit.SECONDS)
                .addListener(future -> result.complete(null));
    }

    /**
     * Ends connections at once, as after a failure of the network.
     *
     * @param whose asked on the connections' event loops, must not block
     * @return how many connections are looked at
     */
    public int disconnect(Predicate<NbdClient> whose) {
        List<Channel> all = List.copyOf(connections);
        for (Channel connection : all) {
            connection
                    .eventLoop()
                    .execute(() -> {
                        NbdClient client = Peer.of(connection);
                        if (whose.test(client)) {
                            LOG.info("{}: disconnected", client);
                            connection.close();
                        }
                    });
        }
        return all.size();
    }

    /** Stops within ten seconds. */
    @Override
    public void close() {
        stop(CLOSE_DEADLINE).join();
    }

    private void closeListeners() {
        listeners.forEach(listener -> listener.close().awaitUninterruptibly());
        listeners.clear();
        for (Path file : socketFiles) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                LOG.warn("the socket file {} could not be removed: {}", file, e.getMessage());
            }
        }
        socketFiles.clear();
    }
}
