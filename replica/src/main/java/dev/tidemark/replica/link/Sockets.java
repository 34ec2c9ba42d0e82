package dev.tidemark.replica.link;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;

/** Connections with TLS, listened for and made; epoll where it loads. Thread-safe. */
final class Sockets implements AutoCloseable {
    private static final int BACKLOG = 64;
    private static final int CONNECT_MILLIS = 5000;
    private static final WriteBufferWaterMark WATER_MARK =
            new WriteBufferWaterMark(512 << 10, 2 << 20);

    private final boolean epoll = Epoll.isAvailable();
    private final EventLoopGroup group;
    private final ChannelGroup open = new DefaultChannelGroup(ImmediateEventExecutor.INSTANCE);

    Sockets(int eventLoops) {
        group =
                new MultiThreadIoEventLoopGroup(
                        eventLoops,
                        epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
    }

    /** Which context a connection is greeted with, and how. */
    interface Server {
        SslContext context() throws SSLException;

        /** Whether one more may greet; true is followed by one {@link #greeted}. */
        boolean admits();

        void greeted();

        Greeting.Talk talk();
    }

    /** Returns the address with the port that the system chose. Blocking. */
    InetSocketAddress listen(InetSocketAddress address, Server server) throws IOException {
        ServerBootstrap bootstrap =
                new ServerBootstrap()
                        .group(group)
                        .channel(
                                epoll
                                        ? EpollServerSocketChannel.class
                                        : NioServerSocketChannel.class)
                        .option(ChannelOption.SO_BACKLOG, BACKLOG)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                        .childHandler(initializer(channel -> accept(channel, server)));
        var bound = bootstrap.bind(address).awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(address + ": " + bound.cause().getMessage(), bound.cause());
        }
        open.add(bound.channel());
        return (InetSocketAddress) bound.channel().localAddress();
    }

    private void accept(Channel channel, Server server) {
        if (!server.admits()) {
            var _ = channel.close();
            return;
        }
        try {
            SslHandler tls = server.context().newHandler(channel.alloc());
            channel.pipeline()
                    .addLast(
                            tls,
                            new FrameDecoder(),
                            new Greeting(tls, server.talk(), server::greeted));
        } catch (SSLException failure) {
            server.greeted();
            var _ = channel.close();
        }
    }

    /** Connects and greets; the talk hears how it ends. */
    void connect(InetSocketAddress address, SslContext context, Greeting.Talk talk) {
        var connecting =
                new Bootstrap()
                        .group(group)
                        .channel(epoll ? EpollSocketChannel.class : NioSocketChannel.class)
                        .option(ChannelOption.TCP_NODELAY, true)
                        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                        .option(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                        .handler(
                                initializer(channel -> {
                                    SslHandler tls = context.newHandler(channel.alloc());
                                    channel.pipeline()
                                            .addLast(
                                                    tls,
                                                    new FrameDecoder(),
                                                    new Greeting(tls, talk, () -> {}));
                                }))
                        .connect(address);
        var _ =
                connecting.addListener(done -> {
                    if (!done.isSuccess()) {
                        talk.failed(null, address + ": " + done.cause().getMessage());
                    }
                });
    }

    private ChannelInitializer<Channel> initializer(Consumer<Channel> pipeline) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                open.add(channel);
                pipeline.accept(channel);
            }
        };
    }

    /** Closes every connection. Blocking. */
    @Override
    public void close() {
        var _ = open.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
        var _ =
                group.shutdownGracefully(0, 1, TimeUnit.SECONDS)
                        .awaitUninterruptibly(3, TimeUnit.SECONDS);
    }
}
