package dev.tidemark.iscsi;

import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.Portal;
import java.util.List;

/**
 * How a server runs; sealed once built.
 *
 * @param portals where to wait for initiators, at least one
 * @param limits what connections may use
 * @param eventLoops threads that serve connections; 0 means one per core
 * @param nativeTransport use epoll where it loads; false always uses the JDK's channels
 */
public record IscsiServerConfig(
        List<Portal> portals, IscsiLimits limits, int eventLoops, boolean nativeTransport) {

    /** Checks the ranges. */
    public IscsiServerConfig {
        portals = List.copyOf(portals);
        if (portals.isEmpty()) {
            throw new IllegalArgumentException("no portal to listen on; give at least one");
        }
        if (eventLoops < 0 || eventLoops > 1024) {
            throw new IllegalArgumentException(
                    "event loops " + eventLoops + " is not between 0 and 1024");
        }
    }

    /** The default limits, one event loop per core. */
    public static IscsiServerConfig listeningOn(Portal... portals) {
        return new IscsiServerConfig(List.of(portals), IscsiLimits.DEFAULT, 0, true);
    }

    /** The same with other limits. */
    public IscsiServerConfig withLimits(IscsiLimits other) {
        return new IscsiServerConfig(portals, other, eventLoops, nativeTransport);
    }

    /** The same on the JDK's channels. */
    public IscsiServerConfig withoutNativeTransport() {
        return new IscsiServerConfig(portals, limits, eventLoops, false);
    }
}
