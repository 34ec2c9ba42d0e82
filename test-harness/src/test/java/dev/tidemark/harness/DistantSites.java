package dev.tidemark.harness;

import dev.tidemark.harness.ChaosProxy.Way;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Two {@link Sites} that are each in a network of its own, and the bad network between them:
 * whatever one says to the other, on links that either has dialled, passes the proxy. {@link
 * Way#THERE} is from left to right. Not thread-safe; its gateways and its proxy are.
 */
final class DistantSites implements AutoCloseable {
    static final String LEFT = "berlin";
    static final String RIGHT = "paris";

    private static final int LINK_PORT = 7118;

    private final SiteNetwork network = SiteNetwork.make();
    private final ChaosProxy proxy = new ChaosProxy();
    private final Sites sites = new Sites();
    private final GatewayProcess left;
    private final GatewayProcess right;

    /** Not started yet; everything that the gateways keep and print lies below home. */
    DistantSites(Path home) throws Exception {
        left = gateway(home.resolve(LEFT), network.left(), network.right(), Way.BACK);
        right = gateway(home.resolve(RIGHT), network.right(), network.left(), Way.THERE);
    }

    /** It tells as its address one at the other one's end of the proxy. */
    private GatewayProcess gateway(
            Path home, SiteNetwork.Site site, SiteNetwork.Site other, Way fromOther)
            throws IOException {
        GatewayProcess gateway = new GatewayProcess(home, site);
        InetSocketAddress listen = new InetSocketAddress(site.inside(), LINK_PORT);
        InetSocketAddress dialled = proxy.route(other.outside(), listen, fromOther);
        Sites.reach(gateway, listen, GatewayProcess.text(dialled));
        return gateway;
    }

    GatewayProcess left() {
        return left;
    }

    GatewayProcess right() {
        return right;
    }

    ChaosProxy proxy() {
        return proxy;
    }

    /** Starts and pairs both; returns when they are connected. */
    void start(Duration limit) throws Exception {
        sites.join(LEFT, left);
        sites.join(RIGHT, right);
        awaitConnected(limit);
    }

    /** Makes a group with one volume at the left one, and its copy at the right one. */
    void protectedGroup(String group, String volume, long sizeBytes) throws Exception {
        sites.group(LEFT, group, sizeBytes, List.of(volume));
        sites.protectAndAwait(LEFT, group, RIGHT);
        sites.awaitEven(LEFT, group);
    }

    /** Makes a group with one volume at the left one only. */
    void aloneGroup(String group, String volume, long sizeBytes) throws Exception {
        sites.group(LEFT, group, sizeBytes, List.of(volume));
    }

    void awaitConnected(Duration limit) throws Exception {
        sites.awaitConnected(limit);
    }

    /** Whether either says so. */
    boolean anyConnected() throws Exception {
        return sites.anyConnected();
    }

    @Override
    public void close() throws IOException {
        sites.close();
        proxy.close();
        network.close();
    }
}
