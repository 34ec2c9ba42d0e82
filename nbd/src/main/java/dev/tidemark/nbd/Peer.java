package dev.tidemark.nbd;

import io.netty.channel.Channel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** The other end of a connection. */
final class Peer {
    private Peer() {}

    /** Who it is, as of now. */
    static NbdClient of(Channel channel) {
        SslHandler tls = channel.pipeline().get(SslHandler.class);
        SocketAddress remote = channel.remoteAddress();
        return new NbdClient(
                address(channel, remote),
                remote instanceof InetSocketAddress inet ? host(inet) : null,
                tls != null,
                tls == null ? null : certificate(tls.engine().getSession()));
    }

    private static String address(Channel channel, @Nullable SocketAddress remote) {
        return remote instanceof InetSocketAddress inet && inet.getAddress() != null
                ? new ListenAddress.Tcp(inet.getAddress().getHostAddress(), inet.getPort())
                        .toString()
                : "unix:" + path(channel.parent());
    }

    /** Of the socket that accepted it; empty for one that this process was started with. */
    private static String path(@Nullable Channel listener) {
        return switch (listener == null ? null : listener.localAddress()) {
            case DomainSocketAddress unix -> unix.path();
            case UnixDomainSocketAddress unix -> unix.getPath().toString();
            case null, default -> "";
        };
    }

    /** Without a zone; an IPv4 address in IPv6's clothes becomes one again. */
    private static @Nullable InetAddress host(InetSocketAddress address) {
        try {
            return InetAddress.getByAddress(address.getAddress().getAddress());
        } catch (UnknownHostException e) {
            throw new AssertionError(e); // only of a length that no address has
        }
    }

    private static @Nullable X509Certificate certificate(SSLSession session) {
        try {
            Certificate[] chain = session.getPeerCertificates();
            return chain.length > 0 && chain[0] instanceof X509Certificate own ? own : null;
        } catch (SSLPeerUnverifiedException e) {
            return null; // it has shown none
        }
    }

    /** Whether a connection's failure is the network's or the client's doing: no stack trace. */
    static boolean isToBlame(Throwable failure) {
        return failure instanceof IOException
                || (failure instanceof DecoderException
                        && failure.getCause() instanceof SSLException);
    }
}
