package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Wire.ProtectionDocument;
import dev.tidemark.gateway.wire.Wire.VolumeDocument;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three paired gateways as processes: several copies of one group, several groups in several
 * directions, volumes that come, grow and go meanwhile. What happens at one copy or to one group is
 * nothing to the others.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class SeveralSitesIT {
    private static final long DISK_BYTES = 24 << 20;

    /** Beyond where tokens lie. */
    private static final long BULK_OFFSET = 8 << 20;

    /** Asked of a machine on which all sites share two processors with others. */
    private static final double MOST_LAG_SECONDS = 3;

    private static final Duration KEPT_UP = Duration.ofSeconds(10);

    private Sites sites;
    private GatewayProcess berlin;
    private GatewayProcess paris;
    private GatewayProcess oslo;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        sites = Sites.three(scratch);
        berlin = sites.gateway("berlin");
        paris = sites.gateway("paris");
        oslo = sites.gateway("oslo");
    }

    @AfterEach
    void stop() throws Exception {
        sites.close();
    }

    /** Fills some of each disk with bytes of its own, and begins to write tokens. */
    private static TokenChain host(GatewayProcess gateway, List<String> disks) throws Exception {
        for (String disk : disks) {
            fill(gateway, disk, BULK_OFFSET, disk.hashCode());
        }
        return new TokenChain(gateway, disks);
    }

    /** The newest token on the disks, at a point; fails if one before it is missing. */
    private static long last(GatewayProcess at, List<String> disks, String point) throws Exception {
        return TokenChain.Ring.LONG.last(at, disks.stream().map(disk -> disk + point).toList());
    }

    private static void assertSame(
            GatewayProcess one, GatewayProcess other, List<String> disks, String point)
            throws Exception {
        for (String disk : disks) {
            assertThat(Sites.hash(other, disk + point))
                    .as(disk + point)
                    .isEqualTo(Sites.hash(one, disk + point));
        }
    }

    /**
     * Makes checkpoints while the group is written, each of which has to arrive at the copy soon,
     * with a lag that stays small.
     */
    private List<String> assertKeptUp(String group, String at, String prefix, TokenChain host)
            throws Exception {
        List<String> made = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            host.awaitMore(20);
            String name = prefix + "-" + i;
            long sequence = berlin.api().addCheckpoint(group, name).sequence();
            made.add(name);
            sites.awaitHas("berlin", group, at, sequence, KEPT_UP);
            ProtectionDocument copy = sites.copy("berlin", group, at);
            assertThat(copy.state()).as(copy.toString()).isEqualTo("shipping");
            assertThat(copy.lagSeconds()).as(copy.toString()).isLessThan(MOST_LAG_SECONDS);
        }
        return made;
    }

    private long checkpoints(GatewayProcess gateway, String group) throws Exception {
        return gateway.api().tree("/api/v1/groups/" + group + "/checkpoints?limit=10000").size();
    }

    @Test
    void of_two_copies_neither_waits_for_the_other_and_both_catch_up() throws Exception {
        List<String> disks = List.of("orders", "stock");
        sites.group("berlin", "shop", DISK_BYTES, disks);
        List<String> names = new ArrayList<>();
        try (TokenChain host = host(berlin, List.of("orders", "stock"))) {
            sites.protectAndAwait("berlin", "shop", "paris", "oslo");
            names.addAll(assertKeptUp("shop", "paris", "whole", host));

            sites.cut("oslo");
            sites.awaitState("berlin", "shop", "oslo", "waiting");
            long before = checkpoints(berlin, "shop");
            names.addAll(assertKeptUp("shop", "paris", "cut", host));
            assertThat(sites.copy("berlin", "shop", "oslo").backlogBytes()).isPositive();
            assertThat(sites.copy("berlin", "shop", "oslo").lagSeconds()).isPositive();
            assertThat(checkpoints(berlin, "shop")).isGreaterThan(before + 8);
            sites.heal("oslo");
            sites.awaitState("berlin", "shop", "oslo", "shipping");

            sites.freeze("paris");
            names.addAll(assertKeptUp("shop", "oslo", "frozen", host));
            assertThat(sites.copy("berlin", "shop", "paris").backlogBytes()).isPositive();
            sites.thaw("paris");
            paris.kill();
            oslo.kill();
            long alone = checkpoints(berlin, "shop");
            host.awaitMore(200);
            Await.until(
                    "the source to make checkpoints without any other site",
                    KEPT_UP,
                    () -> checkpoints(berlin, "shop") > alone + 2);
            paris.start();
            oslo.start();
            host.stop();
            var _ = berlin.api().addCheckpoint("shop", "last");
            names.add("last");
            sites.awaitEven("berlin", "shop");
            for (String name : names) {
                assertSame(berlin, paris, disks, "@" + name);
                assertSame(berlin, oslo, disks, "@" + name);
            }
            assertThat(last(paris, disks, "@last")).isEqualTo(host.acknowledged());
            assertThat(last(oslo, disks, "@last")).isEqualTo(host.acknowledged());
            for (String at : List.of("paris", "oslo")) {
                assertThat(sites.copy("berlin", "shop", at).backlogBytes()).isZero();
                assertThat(berlin.api().metric("tidemark_protection_shipping", "peer=\"" + at))
                        .isOne();
            }
        }
    }

    @Test
    void groups_go_both_ways_at_once_and_one_fails_over_while_the_other_goes_on() throws Exception {
        List<String> west = List.of("west1", "west2");
        List<String> east = List.of("east1", "east2");
        sites.group("berlin", "west", DISK_BYTES, west);
        sites.group("paris", "east", DISK_BYTES, east);
        try (TokenChain western = host(berlin, List.of("west1", "west2"));
                TokenChain eastern = host(paris, List.of("east1", "east2"))) {
            sites.protectAndAwait("berlin", "west", "paris");
            sites.protectAndAwait("paris", "east", "berlin");
            western.awaitMore(50);
            eastern.awaitMore(50);
            sites.awaitHas(
                    "berlin",
                    "west",
                    "paris",
                    berlin.api().addCheckpoint("west", "both").sequence(),
                    KEPT_UP);
            sites.awaitHas(
                    "paris",
                    "east",
                    "berlin",
                    paris.api().addCheckpoint("east", "both").sequence(),
                    KEPT_UP);

            // Tests of either group at the site of its copy, each with a mark of its own.
            long atParis = paris.api().startTests("west", "both").tests().getFirst().id();
            long atBerlin = berlin.api().startTests("east", "both").tests().getFirst().id();
            mark(paris, "test." + atParis + ".west1");
            mark(berlin, "test." + atBerlin + ".east1");
            assertSame(berlin, paris, west, "@both");
            assertSame(berlin, paris, east, "@both");
            assertThat(paris.api().group("west").status()).isEqualTo("test");
            assertThat(berlin.api().group("east").status()).isEqualTo("test");
            var _ = paris.api().stopTest(atParis, "passed");
            var _ = berlin.api().stopTest(atBerlin, "passed");

            // One fails over; the host of the other does not notice.
            var _ =
                    paris.api()
                            .post(
                                    "/api/v1/groups/west/failover",
                                    Map.of("at", "latest", "policy", "commit"));
            Sites.awaitRole(paris, "west", "active");
            Sites.awaitRole(berlin, "west", "fenced");
            eastern.awaitMore(50);
            assertThat(western.acknowledged()).isLessThanOrEqualTo(last(paris, west, ""));
            try (NbdTestClient disk = paris.connect("west2")) {
                disk.write(BULK_OFFSET, new byte[1 << 20]);
            }
            Sites.post(paris, "/groups/west/reverse");
            Sites.awaitRole(berlin, "west", "standby");
            sites.awaitEven("paris", "west");
            eastern.awaitMore(50);
            eastern.stop();
            sites.awaitEven("paris", "east");
            assertThat(last(berlin, east, Sites.newest(berlin, "east")))
                    .isEqualTo(eastern.acknowledged());
            for (String disk : east) {
                assertThat(Sites.hash(berlin, disk + Sites.newest(berlin, "east")))
                        .as(disk)
                        .isEqualTo(Sites.hash(paris, disk));
            }
            for (String disk : west) {
                assertThat(Sites.hash(berlin, disk + Sites.newest(berlin, "west")))
                        .as(disk)
                        .isEqualTo(Sites.hash(paris, disk));
            }
            // Nothing of one group has come into the other's past.
            assertSame(berlin, paris, west, "@both");
            assertSame(berlin, paris, east, "@both");
        }
    }

    private static void mark(GatewayProcess gateway, String export) throws Exception {
        byte[] mark = new byte[64 << 10];
        Arrays.fill(mark, (byte) 0x5a);
        try (NbdTestClient disk = gateway.connect(export)) {
            disk.write(0, mark);
        }
    }

    @Test
    void one_site_keeps_two_groups_at_two_other_sites() throws Exception {
        sites.group("berlin", "shop", DISK_BYTES, List.of("orders", "stock"));
        sites.group("berlin", "mail", DISK_BYTES, List.of("boxes", "queue"));
        try (TokenChain shop = host(berlin, List.of("orders", "stock"));
                TokenChain mail = host(berlin, List.of("boxes", "queue"))) {
            sites.protectAndAwait("berlin", "shop", "paris");
            sites.protectAndAwait("berlin", "mail", "oslo");
            sites.cut("oslo");
            sites.awaitState("berlin", "mail", "oslo", "waiting");
            assertKeptUp("shop", "paris", "cut", shop);
            mail.awaitMore(20);
            sites.heal("oslo");
            shop.stop();
            mail.stop();
            var _ = berlin.api().addCheckpoint("shop", "last");
            var _ = berlin.api().addCheckpoint("mail", "last");
            sites.awaitEven("berlin", "shop");
            sites.awaitEven("berlin", "mail");
            assertSame(berlin, paris, List.of("orders", "stock"), "@last");
            assertSame(berlin, oslo, List.of("boxes", "queue"), "@last");
            assertThat(groups(paris)).containsExactly("shop");
            assertThat(groups(oslo)).containsExactly("mail");
        }
    }

    private static List<String> groups(GatewayProcess gateway) throws Exception {
        List<String> names = new ArrayList<>();
        gateway.api().tree("/api/v1/groups").forEach(one -> names.add(one.path("name").asText()));
        return names;
    }

    @Test
    void volumes_come_grow_and_go_while_their_group_is_shipped() throws Exception {
        List<String> disks = List.of("orders", "stock");
        sites.group("berlin", "shop", DISK_BYTES, disks);
        try (TokenChain host = host(berlin, List.of("orders", "stock"))) {
            sites.protectAndAwait("berlin", "shop", "paris", "oslo");

            var _ = berlin.api().createVolume("extra", 4 << 20, "shop");
            var _ = berlin.api().createVolume("spare", 4 << 20, "shop");
            fill(berlin, "extra", 1 << 20, 1);
            String added = checkpoint("added", host);
            berlin.api().growVolume("extra", 8 << 20);
            fill(berlin, "extra", 6 << 20, 2);
            String grown = checkpoint("grown", host);
            assertThat(added).isNotEqualTo(grown);
            berlin.api().growVolume("stock", DISK_BYTES + (8 << 20));
            fill(berlin, "stock", DISK_BYTES + (1 << 20), 3);

            // Away at one copy while nobody reaches it, and made again under the same name.
            sites.cut("oslo");
            berlin.api().deleteVolume("extra");
            berlin.api().renameVolume("spare", "ready");
            host.awaitMore(20);
            var _ = berlin.api().createVolume("extra", 2 << 20, "shop");
            fill(berlin, "extra", 0, 4);
            sites.heal("oslo");
            host.stop();
            var _ = berlin.api().addCheckpoint("shop", "last");
            sites.awaitEven("berlin", "shop");
            for (GatewayProcess copy : List.of(paris, oslo)) {
                for (String disk : List.of("orders", "stock", "extra")) {
                    assertThat(size(copy, disk)).as(disk).isEqualTo(size(berlin, disk));
                }
                assertSame(berlin, copy, List.of("orders", "stock", "extra"), "@last");
                assertThat(last(copy, disks, "@last")).isEqualTo(host.acknowledged());
                assertThat(copy.api().group("shop").volumes())
                        .contains("ready")
                        .doesNotContain("spare");
            }
            // What was deleted here is kept there, with its past, under a name that says so.
            String kept =
                    paris.api().group("shop").volumes().stream()
                            .filter(name -> name.startsWith("extra."))
                            .findFirst()
                            .orElseThrow();
            assertThat(Sites.hash(paris, kept + "@added")).isEqualTo(added);
            assertThat(Sites.hash(paris, kept + "@grown")).isEqualTo(grown);
        }
    }

    private static void fill(GatewayProcess gateway, String disk, long offsetBytes, int content)
            throws Exception {
        byte[] bytes = new byte[1 << 20];
        Arrays.fill(bytes, (byte) content);
        try (NbdTestClient client = gateway.connect(disk)) {
            client.write(offsetBytes, bytes);
        }
    }

    /** Makes one that both copies get; returns what the extra disk reads as there. */
    private String checkpoint(String name, TokenChain host) throws Exception {
        long sequence = berlin.api().addCheckpoint("shop", name).sequence();
        host.awaitMore(10);
        String hash = Sites.hash(berlin, "extra@" + name);
        for (String at : List.of("paris", "oslo")) {
            sites.awaitHas("berlin", "shop", at, sequence, KEPT_UP);
            assertThat(Sites.hash(sites.gateway(at), "extra@" + name)).isEqualTo(hash);
        }
        return hash;
    }

    private static long size(GatewayProcess gateway, String volume) throws Exception {
        return gateway.api().volumes().stream()
                .filter(each -> each.name().equals(volume))
                .mapToLong(VolumeDocument::sizeBytes)
                .findFirst()
                .orElseThrow();
    }

    /** Paris has all; oslo lacks something, or has something more. */
    private void failOverToParis() throws Exception {
        berlin.kill();
        var _ =
                paris.api()
                        .post(
                                "/api/v1/groups/shop/failover",
                                Map.of("at", "latest", "policy", "commit"));
        Sites.awaitRole(paris, "shop", "active");
        try (NbdTestClient disk = paris.connect("orders")) {
            disk.write(BULK_OFFSET, new byte[1 << 20]);
        }
        sites.protect("paris", "shop", "oslo");
    }

    private void assertOsloFollowsParis(List<String> disks) throws Exception {
        sites.awaitState("paris", "shop", "oslo", "shipping");
        long head = paris.api().addCheckpoint("shop", "after").sequence();
        sites.awaitHas("paris", "shop", "oslo", head, Sites.LIMIT);
        assertThat(oslo.api().group("shop").role()).isEqualTo("standby");
        assertSame(paris, oslo, disks, "@after");
    }

    @Test
    void the_other_copy_goes_on_with_the_site_that_took_over_and_so_does_the_old_site()
            throws Exception {
        List<String> disks = List.of("orders", "stock");
        sites.group("berlin", "shop", DISK_BYTES, disks);
        sites.protectAndAwait("berlin", "shop", "paris", "oslo");
        try (TokenChain host = host(berlin, List.of("orders", "stock"))) {
            host.awaitMore(50);
            long both = berlin.api().addCheckpoint("shop", "before").sequence();
            sites.awaitHas("berlin", "shop", "oslo", both, KEPT_UP);
            sites.cut("oslo");
            host.awaitMore(50);
            host.stop();
            long last = berlin.api().addCheckpoint("shop", "paris-only").sequence();
            sites.awaitHas("berlin", "shop", "paris", last, KEPT_UP);
        }
        failOverToParis();
        sites.heal("oslo");
        assertOsloFollowsParis(disks);
        assertThat(sites.copy("paris", "shop", "oslo").sync().sentBytes())
                .as("it goes on where it was")
                .isZero();
        assertSame(paris, oslo, disks, "@before");
        assertSame(paris, oslo, disks, "@paris-only");
        assertThat(branches(oslo)).isZero();

        berlin.start();
        Sites.post(paris, "/groups/shop/reverse");
        Sites.awaitRole(berlin, "shop", "standby");
        sites.awaitEven("paris", "shop");
        assertSame(paris, berlin, disks, "@after");
    }

    @Test
    void a_copy_that_is_ahead_is_set_back_and_keeps_what_only_it_has() throws Exception {
        List<String> disks = List.of("orders", "stock");
        sites.group("berlin", "shop", DISK_BYTES, disks);
        sites.protectAndAwait("berlin", "shop", "paris", "oslo");
        long acknowledged;
        try (TokenChain host = host(berlin, List.of("orders", "stock"))) {
            host.awaitMore(50);
            long both = berlin.api().addCheckpoint("shop", "before").sequence();
            sites.awaitHas("berlin", "shop", "paris", both, KEPT_UP);
            sites.cut("paris");
            host.awaitMore(50);
            host.stop();
            acknowledged = host.acknowledged();
            long last = berlin.api().addCheckpoint("shop", "oslo-only").sequence();
            sites.awaitHas("berlin", "shop", "oslo", last, KEPT_UP);
        }
        failOverToParis();
        assertOsloFollowsParis(disks);
        assertSame(paris, oslo, disks, "@before");
        assertThat(branches(oslo)).isEqualTo(1);
        assertThat(last(oslo, disks, "@oslo-only")).isEqualTo(acknowledged);
    }

    private static long branches(GatewayProcess gateway) throws Exception {
        long found = 0;
        for (var test : gateway.api().tree("/api/v1/tests")) {
            if (test.path("state").asText().equals("branch")) {
                found++;
            }
        }
        return found;
    }
}
