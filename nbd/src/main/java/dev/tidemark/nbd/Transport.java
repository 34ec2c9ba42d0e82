package dev.tidemark.nbd;

import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;

/** The kind of channels a server runs on. */
enum Transport {
    EPOLL {
        @Override
        IoHandlerFactory ioHandlerFactory() {
            return EpollIoHandler.newFactory();
        }

        @Override
        ServerChannel newServerChannel(ListenAddress address) {
            return switch (address) {
                case ListenAddress.Tcp tcp -> new EpollServerSocketChannel();
                case ListenAddress.Unix unix -> new EpollServerDomainSocketChannel();
                case ListenAddress.Inherited(int descriptor) ->
                        InheritedSocket.isUnix(descriptor)
                                ? new EpollServerDomainSocketChannel(descriptor, true)
                                : new EpollServerSocketChannel(descriptor);
            };
        }

        @Override
        SocketAddress unixAddress(ListenAddress.Unix address) {
            return new DomainSocketAddress(address.path().toFile());
        }
    },

    NIO {
        @Override
        IoHandlerFactory ioHandlerFactory() {
            return NioIoHandler.newFactory();
        }

        @Override
        ServerChannel newServerChannel(ListenAddress address) {
            return switch (address) {
                case ListenAddress.Tcp tcp -> new NioServerSocketChannel();
                case ListenAddress.Unix unix -> new NioServerDomainSocketChannel();
                case ListenAddress.Inherited inherited ->
                        throw new IllegalArgumentException(
                                inherited + " needs the epoll transport, which does not load here");
            };
        }

        @Override
        SocketAddress unixAddress(ListenAddress.Unix address) {
            return UnixDomainSocketAddress.of(address.path());
        }
    };

    /** Epoll where it is wanted and loads. */
    static Transport choose(boolean nativeTransport) {
        return nativeTransport && Epoll.isAvailable() ? EPOLL : NIO;
    }

    /**
     * Whether replies still go to a client that has closed its own side only. Netty's unix channels
     * on the JDK close both sides.
     */
    boolean knowsHalfClosure(ListenAddress address) {
        return this == EPOLL || address instanceof ListenAddress.Tcp; // inherited: epoll only
    }

    abstract IoHandlerFactory ioHandlerFactory();

    abstract ServerChannel newServerChannel(ListenAddress address);

    abstract SocketAddress unixAddress(ListenAddress.Unix address);

    SocketAddress socketAddress(ListenAddress address) {
        return switch (address) {
            case ListenAddress.Tcp(String host, int port) -> new InetSocketAddress(host, port);
            case ListenAddress.Unix unix -> unixAddress(unix);
            case ListenAddress.Inherited inherited ->
                    throw new AssertionError(inherited + " is bound already");
        };
    }
}
