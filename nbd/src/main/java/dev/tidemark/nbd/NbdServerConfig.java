package dev.tidemark.nbd;

import java.util.List;

/**
 * How a server runs; sealed once built.
 *
 * @param listen where to wait for clients, at least one
 * @param limits what one connection may use
 * @param eventLoops threads that serve connections; 0 means one per core
 * @param nativeTransport use epoll where it loads; false always uses the JDK's channels
 */
public record NbdServerConfig(
        List<ListenAddress> listen, NbdLimits limits, int eventLoops, boolean nativeTransport) {

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
        return new NbdServerConfig(List.of(listen), NbdLimits.DEFAULT, 0, true);
    }

    /** The same with other limits. */
    public NbdServerConfig withLimits(NbdLimits other) {
        return new NbdServerConfig(listen, other, eventLoops, nativeTransport);
    }

    /** The same with another number of event loops. */
    public NbdServerConfig withEventLoops(int count) {
        return new NbdServerConfig(listen, limits, count, nativeTransport);
    }

    /** The same on the JDK's channels. */
    public NbdServerConfig withoutNativeTransport() {
        return new NbdServerConfig(listen, limits, eventLoops, false);
    }
}
