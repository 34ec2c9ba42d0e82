package dev.tidemark.iscsi;

import dev.tidemark.iscsi.session.BoundPortal;
import dev.tidemark.iscsi.session.ConnectionHandler;
import dev.tidemark.iscsi.session.ServerContext;
import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.IscsiMetrics;
import dev.tidemark.iscsi.target.Portal;
import dev.tidemark.iscsi.target.ReservationStore;
import dev.tidemark.iscsi.target.TargetCatalog;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An iSCSI target: listens on portals, and gives every connection its handler.
 *
 * <p>Thread-safe. {@link #start} once, {@link #stop} any number of times.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed close has nobody to tell
public final class IscsiServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(IscsiServer.class);

    /** One read takes what an initiator with many commands in flight has sent. */
    private static final int RECEIVE_MINIMUM_BYTES = 4 << 10;

    private static final int RECEIVE_INITIAL_BYTES = 64 << 10;
    private static final int RECEIVE_MAXIMUM_BYTES = 1 << 20;
    private static final int READS_PER_TURN = 16;
    private static final int BACKLOG = 1024;

    /** How long {@link #close} lets commands finish. */
    private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(10);

    private final IscsiServerConfig config;
    private final ServerContext context;
    private final boolean epoll;
    private final Set<Channel> connections = ConcurrentHashMap.newKeySet();
    private final List<Channel> listeners = new ArrayList<>();
    private @Nullable EventLoopGroup group;
    private @Nullable CompletableFuture<Void> stopped;

    /** A server that is not yet listening. */
    public IscsiServer(
            IscsiServerConfig config,
            TargetCatalog catalog,
            ReservationStore reservations,
            IscsiMetrics metrics) {
        this.config = config;
        this.context = new ServerContext(catalog, config.limits(), metrics, reservations);
        this.epoll = config.nativeTransport() && Epoll.isAvailable();
    }

    /**
     * Listens on all portals, or on none.
     *
     * @return the addresses, with the ports the system chose, in the portals' order
     */
    public synchronized List<InetSocketAddress> start() throws IscsiServerException {
        if (group != null || stopped != null) {
            throw new IllegalStateException("the server was started before");
        }
        EventLoopGroup loops =
                new MultiThreadIoEventLoopGroup(
                        config.eventLoops() == 0
                                ? Runtime.getRuntime().availableProcessors()
                                : config.eventLoops(),
                        new DefaultThreadFactory("iscsi", true),
                        epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
        group = loops;
        List<BoundPortal> bound = new ArrayList<>();
        try {
            for (Portal portal : config.portals()) {
                bound.add(listen(loops, portal));
            }
        } catch (IscsiServerException | RuntimeException e) {
            closeListeners();
            stopped = CompletableFuture.completedFuture(null);
            loops.shutdownGracefully(0, 0, TimeUnit.SECONDS);
            throw e;
        }
        context.portals(bound);
        List<InetSocketAddress> addresses = bound.stream().map(BoundPortal::address).toList();
        LOG.info("iSCSI on {} ({})", addresses, epoll ? "epoll" : "NIO");
        return addresses;
    }

    private BoundPortal listen(EventLoopGroup loops, Portal portal) throws IscsiServerException {
        InetSocketAddress address = new InetSocketAddress(portal.host(), portal.port());
        if (address.isUnresolved()) {
            throw new IscsiServerException(
                    portal + ": the host name is not known; use an address of this machine", null);
        }
        ChannelFuture bind = bootstrap(loops, portal).bind(address);
        bind.awaitUninterruptibly();
        Throwable failure = bind.cause();
        if (failure != null) {
            throw new IscsiServerException(
                    "cannot listen on %s: %s; choose another address or port"
                            .formatted(portal, failure.getMessage()),
                    failure);
        }
        listeners.add(bind.channel());
        return new BoundPortal(portal, (InetSocketAddress) bind.channel().localAddress());
    }

    private ServerBootstrap bootstrap(EventLoopGroup loops, Portal portal) {
        IscsiLimits limits = config.limits();
        return new ServerBootstrap()
                .group(loops)
                .channelFactory(
                        () -> epoll ? new EpollServerSocketChannel() : new NioServerSocketChannel())
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.SO_KEEPALIVE, true)
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
                .childHandler(new Connect(portal));
    }

    /** Sets up accepted channels. */
    private final class Connect extends ChannelInitializer<Channel> {
        private final Portal portal;

        Connect(Portal portal) {
            this.portal = portal;
        }

        @Override
        protected void initChannel(Channel channel) {
            connections.add(channel);
            channel.closeFuture().addListener(future -> connections.remove(channel));
            channel.pipeline().addLast(new ConnectionHandler(context, portal.group()));
        }
    }

    /**
     * Ends all sessions of a target that is no longer there.
     *
     * @return completes once none of their commands can change anything any more
     */
    public CompletableFuture<Void> dropTarget(String name) {
        return context.registry().endAll(name);
    }

    /** Drops what is remembered of a unit that is gone for good: its reservations and modes. */
    public void forgetUnit(long identifier) {
        context.registry().forgetUnit(identifier);
    }

    /** The units of a target have changed: its sessions are told, and may log in again. */
    public void unitsChanged(String targetName) {
        context.registry().unitsChanged(targetName);
    }

    /**
     * Stops: no new connections, every initiator is asked to log out, commands in flight are
     * finished, and whatever is left after {@code deadline} is cut off. The first call decides the
     * deadline.
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
        closeListeners();
        context.registry()
                .endAll(null)
                .orTimeout(deadline.toMillis(), TimeUnit.MILLISECONDS)
                .whenComplete((nothing, late) -> cutOff(loops, result));
        return result.copy();
    }

    private void cutOff(EventLoopGroup loops, CompletableFuture<Void> result) {
        connections.forEach(Channel::close);
        loops.shutdownGracefully(0, 2, TimeUnit.SECONDS)
                .addListener(future -> result.complete(null));
    }

    /** Stops within ten seconds. */
    @Override
    public void close() {
        stop(CLOSE_DEADLINE).join();
    }

    private void closeListeners() {
        listeners.forEach(listener -> listener.close().awaitUninterruptibly());
        listeners.clear();
    }
}
