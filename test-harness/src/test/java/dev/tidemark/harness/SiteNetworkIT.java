package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.harness.ChaosProxy.Way;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two sites in networks of their own keep up their link over a network that fails them. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class SiteNetworkIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** Five seconds without a frame end a link; and as much again for the machine. */
    private static final Duration SILENCE = Duration.ofSeconds(15);

    @Test
    void nothing_reaches_the_other_site_but_through_the_proxy() throws Exception {
        try (SiteNetwork network = SiteNetwork.make();
                SiteNetwork beside = SiteNetwork.make()) {
            assertThat(beside.left()).isNotEqualTo(network.left());
            for (var way : new SiteNetwork.Site[] {network.right(), beside.left()}) {
                var route =
                        ForeignProgram.outcome(
                                "ip",
                                "-n",
                                network.left().namespace(),
                                "route",
                                "get",
                                way.inside().getHostAddress());
                assertThat(route.printed()).contains("unreachable");
            }
        }
    }

    @Test
    void a_closed_network_leaves_nothing() throws Exception {
        SiteNetwork.Site left;
        try (SiteNetwork network = SiteNetwork.make()) {
            left = network.left();
            assertThat(ForeignProgram.run("ip", "netns", "list")).contains(left.namespace());
        }
        assertThat(ForeignProgram.run("ip", "netns", "list")).doesNotContain(left.namespace());
        assertThat(ForeignProgram.run("ip", "-o", "link", "show")).doesNotContain(left.namespace());
    }

    @Test
    void the_link_comes_back_after_all_that_a_network_does(@TempDir Path home) throws Exception {
        try (DistantSites sites = new DistantSites(home)) {
            sites.start(LIMIT);
            expectClientsOfBoth(sites);
            ChaosProxy proxy = sites.proxy();
            assertThat(proxy.carriedBytes(Way.THERE)).isGreaterThan(1000);
            assertThat(proxy.carriedBytes(Way.BACK)).isGreaterThan(1000);

            slow(sites);
            cut(sites);
            split(sites);
            hang(sites, Way.THERE, Way.BACK);
            hang(sites, Way.THERE);
            hang(sites, Way.BACK);
        }
    }

    /** API, command line and NBD of both answer the test in its own network. */
    private static void expectClientsOfBoth(DistantSites sites) throws Exception {
        for (GatewayProcess gateway : new GatewayProcess[] {sites.left(), sites.right()}) {
            Sites.run(gateway, "group", "create", "shop");
            gateway.api().createVolume("disk", 1 << 20, "shop");
            try (NbdTestClient disk = gateway.connect("disk")) {
                disk.write(0, new byte[] {1, 2, 3});
                assertThat(disk.readOnly()).isFalse();
            }
        }
    }

    /** Slow is not dead: the link stays. */
    private static void slow(DistantSites sites) throws Exception {
        String since = Sites.peer(sites.left(), DistantSites.RIGHT).path("since").asText();
        ChaosProxy proxy = sites.proxy();
        proxy.delay(Duration.ofMillis(100), Duration.ofMillis(50));
        proxy.bandwidth(64 << 10);
        long there = proxy.carriedBytes(Way.THERE);
        long back = proxy.carriedBytes(Way.BACK);
        Await.until(
                "heartbeats over a slow network",
                LIMIT,
                () ->
                        proxy.carriedBytes(Way.THERE) > there + 200
                                && proxy.carriedBytes(Way.BACK) > back + 200);
        assertThat(Sites.peer(sites.left(), DistantSites.RIGHT).path("since").asText())
                .isEqualTo(since);
        proxy.heal();
        sites.awaitConnected(LIMIT);
    }

    private static void cut(DistantSites sites) throws Exception {
        int before = sites.proxy().acceptedConnections();
        assertThat(sites.proxy().cut()).isPositive();
        Await.until("a new dial", LIMIT, () -> sites.proxy().acceptedConnections() > before);
        sites.awaitConnected(LIMIT);
    }

    private static void split(DistantSites sites) throws Exception {
        ChaosProxy proxy = sites.proxy();
        int before = proxy.acceptedConnections();
        proxy.refuse(true);
        proxy.cut();
        Await.until("both to notice", SILENCE, () -> !sites.anyConnected());
        Await.until(
                "dials that are refused", LIMIT, () -> proxy.acceptedConnections() > before + 2);
        assertThat(sites.anyConnected()).isFalse();
        assertThat(proxy.openConnections()).isZero();
        proxy.refuse(false);
        sites.awaitConnected(LIMIT);
    }

    /** Nothing is closed: silence of one way is enough to end the link at both sides. */
    private static void hang(DistantSites sites, Way... ways) throws Exception {
        ChaosProxy proxy = sites.proxy();
        for (Way way : ways) {
            proxy.hang(way, true);
        }
        Await.until("both to give up", SILENCE, () -> !sites.anyConnected());
        proxy.hang(false);
        sites.awaitConnected(LIMIT);
    }
}
