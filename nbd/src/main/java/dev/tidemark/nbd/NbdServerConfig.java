package dev.tidemark.nbd;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a server runs; sealed once built.
 *
 * @param listen where to wait for clients, at least one
 * @param limits what one connection may use
 * @param eventLoops threads that serve connections; 0 means one per core
 * @param nativeTransport use epoll where it loads; false always uses the JDK's channels
 * @param tls how to speak TLS; null when the server does not
 */
public record NbdServerConfig(
        List<ListenAddress> listen,
        NbdLimits limits,
        int eventLoops,
        boolean nativeTransport,
        @Nullable TlsOffer tls) {

    /** Checks the ranges. */
    public NbdServerConfig {
        listen = List.copyOf(listen);
        if (listen.isEmpty()) {
            throw new IllegalArgumentException("no address to listen on; give at least one");
        }
        if (eventLoops < 0 || eventLoops > 1024) {
            throw new IllegalArgumentException(
                    "event loops " + eventLoops + " is not between 0 and 1024");
        }
    }

    /** The default limits, one event loop per core. */
    public static NbdServerConfig listeningOn(ListenAddress... listen) {
        return new NbdServerConfig(List.of(listen), NbdLimits.DEFAULT, 0, true, null);
    }

    /** The same with other limits. */
    public NbdServerConfig withLimits(NbdLimits other) {
        return new NbdServerConfig(listen, other, eventLoops, nativeTransport, tls);
    }

    /** The same with another number of event loops. */
    public NbdServerConfig withEventLoops(int count) {
        return new NbdServerConfig(listen, limits, count, nativeTransport, tls);
    }

    /** The same on the JDK's channels. */
    public NbdServerConfig withoutNativeTransport() {
        return new NbdServerConfig(listen, limits, eventLoops, false, tls);
    }

    /** The same with TLS. */
    public NbdServerConfig withTls(TlsOffer offer) {
        return new NbdServerConfig(listen, limits, eventLoops, nativeTransport, offer);
    }
}
