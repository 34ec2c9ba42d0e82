package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.harness.ChaosProxy.Way;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Two gateways that are paired, each in a network of its own, and the bad network between them:
 * whatever one says to the other, on links that either has dialled, passes the proxy. {@link
 * Way#THERE} is from left to right. Not thread-safe; its gateways and its proxy are.
 */
final class DistantSites implements AutoCloseable {
    static final String LEFT = "berlin";
    static final String RIGHT = "paris";

    private static final int LINK_PORT = 7118;

    private final SiteNetwork network = SiteNetwork.make();
    private final ChaosProxy proxy = new ChaosProxy();
    private final GatewayProcess left;
    private final GatewayProcess right;

    /** Not started yet; everything that the gateways keep and print lies below home. */
    DistantSites(Path home) throws Exception {
        left = new GatewayProcess(home.resolve(LEFT), network.left());
        right = new GatewayProcess(home.resolve(RIGHT), network.right());
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
        left.start();
        right.start();
        initialize(left, LEFT, network.left(), network.right(), Way.BACK);
        initialize(right, RIGHT, network.right(), network.left(), Way.THERE);
        String invitation =
                left.api().post("/api/v1/site/invitations", new Requests.InviteSite("10m"));
        succeed(
                right,
                "site",
                "pair",
                Json.MAPPER.readTree(invitation).path("token").asText(),
                "--name",
                LEFT);
        awaitConnected(limit);
    }

    /** The site is told as an address at the other one's end of the proxy. */
    private void initialize(
            GatewayProcess gateway,
            String name,
            SiteNetwork.Site site,
            SiteNetwork.Site other,
            Way fromOther)
            throws Exception {
        InetSocketAddress listen = new InetSocketAddress(site.inside(), LINK_PORT);
        InetSocketAddress advertise = proxy.route(other.outside(), listen, fromOther);
        succeed(
                gateway,
                "site",
                "init",
                "--name",
                name,
                "--listen",
                GatewayProcess.text(listen),
                "--advertise",
                GatewayProcess.text(advertise));
    }

    /** Runs a command against a gateway; returns what it printed. */
    static String succeed(GatewayProcess gateway, String... arguments) throws Exception {
        GatewayProcess.Outcome outcome = gateway.command(new ArrayList<>(List.of(arguments)));
        assertThat(outcome.status()).as(outcome.printed()).isZero();
        return outcome.printed();
    }

    /** What the left one says of the right one. */
    JsonNode rightSeenFromLeft() throws Exception {
        return left.api().tree("/api/v1/site/peers/" + RIGHT);
    }

    /** What the right one says of the left one. */
    JsonNode leftSeenFromRight() throws Exception {
        return right.api().tree("/api/v1/site/peers/" + LEFT);
    }

    /** Whether either says so. */
    boolean anyConnected() throws Exception {
        return connected(rightSeenFromLeft()) || connected(leftSeenFromRight());
    }

    private static boolean connected(JsonNode peer) {
        return peer.path("state").asText().equals("connected");
    }

    void awaitConnected(Duration limit) throws Exception {
        Await.until(
                "both sites to be connected",
                limit,
                () -> connected(rightSeenFromLeft()) && connected(leftSeenFromRight()));
    }

    @Override
    public void close() throws IOException {
        left.close();
        right.close();
        proxy.close();
        network.close();
    }
}
