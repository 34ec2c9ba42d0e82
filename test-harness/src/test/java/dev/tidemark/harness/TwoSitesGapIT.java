package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.ProtectionDocument;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A copy for which no records are held any more: what is said of it, and how it comes back. */
@Timeout(300)
final class TwoSitesGapIT {
    private static final int DISK_BYTES = 32 << 20;
    private static final int WRITE_BYTES = 128 << 10;

    /** What is written to again and again. */
    private static final int HOT_BYTES = 1 << 20;

    private static final String GROUP = "shop";

    private final Random random = new Random(11);

    private void write(GatewayProcess gateway, int from, int to, int count) throws Exception {
        try (NbdTestClient disk = gateway.connect("data")) {
            for (int i = 0; i < count; i++) {
                byte[] bytes = new byte[WRITE_BYTES];
                random.nextBytes(bytes);
                disk.write(from + (long) i * WRITE_BYTES % (to - from), bytes);
            }
        }
    }

    /** A whole disk of data at both sites, and then nothing of paris any more. */
    private void protect(Sites sites, @Nullable String window) throws Exception {
        sites.berlin().api().createGroup(new Requests.CreateGroup(GROUP, window, null, "1s", null));
        var _ = sites.berlin().api().createVolume("data", DISK_BYTES, GROUP);
        write(sites.berlin(), 0, DISK_BYTES, DISK_BYTES / WRITE_BYTES);
        Sites.run(sites.berlin(), "group", "protect", GROUP, "--to", "paris");
        Sites.awaitEven(sites.berlin(), GROUP);
        Sites.awaitRole(sites.paris(), GROUP, "standby");
        sites.berlin().api().awaitFolded(GROUP);
        Sites.awaitEven(sites.berlin(), GROUP);
        sites.paris().kill();
    }

    private static long tail(GatewayProcess gateway) throws Exception {
        return gateway.api()
                .tree("/api/v1/groups/" + GROUP + "/history")
                .path("tail")
                .path("sequence")
                .asLong();
    }

    private static List<String> mapFiles(GatewayProcess gateway) throws IOException {
        try (Stream<Path> all = Files.walk(gateway.data())) {
            return all.map(path -> path.getFileName().toString())
                    .filter(name -> name.startsWith("dirty-map-"))
                    .toList();
        }
    }

    private static ProtectionDocument awaitCounted(GatewayProcess gateway) throws Exception {
        Await.until(
                "what the copy lacks is counted",
                Duration.ofSeconds(60),
                () ->
                        Sites.copy(gateway, GROUP).mode().equals("dirty_map")
                                && Sites.copy(gateway, GROUP).dirtyBytes() > 0);
        return Sites.copy(gateway, GROUP);
    }

    private void expectBack(Sites sites, String why) throws Exception {
        sites.paris().start();
        Sites.awaitEven(sites.berlin(), GROUP);
        ProtectionDocument copy = Sites.copy(sites.berlin(), GROUP);
        assertThat(copy.mode()).isEqualTo("shipping");
        assertThat(copy.dirtyBytes()).isZero();
        assertThat(copy.sync().trigger()).contains(why);
        assertThat(copy.sync().readBytes())
                .as("what changed and not all")
                .isLessThanOrEqualTo(2 * HOT_BYTES);
        assertThat(Sites.hash(sites.paris(), "data" + Sites.newest(sites.paris(), GROUP)))
                .isEqualTo(
                        Sites.hash(sites.berlin(), "data" + Sites.newest(sites.berlin(), GROUP)));
        expectGap(sites.paris(), why);
        sites.paris().kill();
        sites.paris().start();
        expectGap(sites.paris(), why);
        Await.until(
                "the map has gone",
                Duration.ofSeconds(30),
                () -> mapFiles(sites.berlin()).isEmpty());
    }

    private static void expectGap(GatewayProcess paris, String why) throws Exception {
        JsonNode gaps = paris.api().tree("/api/v1/groups/" + GROUP + "/history").path("gaps");
        assertThat(gaps).hasSize(1);
        JsonNode gap = gaps.get(0);
        assertThat(gap.path("kind").asText()).isEqualTo("synchronised");
        assertThat(gap.path("why").asText()).contains(why);
        assertThat(gap.path("before").path("time").asText())
                .isLessThan(gap.path("after").path("time").asText());
        String before = gap.path("before").path("name").asText();
        String after = gap.path("after").path("name").asText();
        assertThat(paris.api().resolve(GROUP, before).name()).isEqualTo(before);
        assertThat(paris.api().resolve(GROUP, after).name()).isEqualTo(after);
        assertThat(Sites.run(paris, "checkpoint", "list", "--group", GROUP)).contains("no points");
        assertThat(Sites.run(paris, "history", "--group", GROUP)).contains("no points", why);
    }

    @Test
    void a_copy_further_behind_than_history_reaches_is_not_compared_as_a_whole(
            @TempDir Path scratch) throws Exception {
        try (Sites sites = Sites.two(scratch)) {
            sites.berlin().kill();
            sites.berlin().set("site.backlog", GatewayProcess.quoted("64MiB")).start();
            sites.awaitConnected();
            protect(sites, "3s");
            long last = Sites.copy(sites.berlin(), GROUP).acknowledgedSequence();
            write(sites.berlin(), 0, HOT_BYTES, 100);
            assertThat(Sites.copy(sites.berlin(), GROUP).mode()).isEqualTo("held_backlog");
            write(sites.berlin(), 0, HOT_BYTES, 450);
            awaitCounted(sites.berlin());
            Await.until(
                    "history has forgotten what the copy has",
                    Duration.ofMinutes(2),
                    () -> {
                        write(sites.berlin(), 0, HOT_BYTES, 20);
                        return tail(sites.berlin()) > last;
                    });
            assertThat(mapFiles(sites.berlin())).isNotEmpty();
            sites.berlin().kill();
            sites.berlin().start();
            ProtectionDocument copy = awaitCounted(sites.berlin());
            assertThat(copy.dirtyBytes()).isLessThanOrEqualTo(2 * HOT_BYTES);
            assertThat(copy.dirtySince()).isNotNull();
            assertThat(
                            sites.berlin()
                                    .api()
                                    .metric("tidemark_protection_dirty_bytes", "peer=\"paris\""))
                    .isPositive();
            assertThat(Sites.run(sites.berlin(), "group", "show", GROUP))
                    .contains("no records are held for it: ", " have changed since ");
            expectBack(sites, "history does not reach back");
        }
    }

    @Test
    void a_full_disk_takes_the_copys_backlog_before_a_hosts_write(@TempDir Path scratch)
            throws Exception {
        LoopDisk below = new LoopDisk(Files.createDirectory(scratch.resolve("loop")), 500 << 20);
        Files.createSymbolicLink(scratch.resolve("berlin"), below.path());
        try {
            try (Sites sites = Sites.two(scratch)) {
                protect(sites, null);
                below.fillUpTo(120 << 20);
                Await.until(
                        "the backlog is given up",
                        Duration.ofMinutes(2),
                        () -> {
                            write(sites.berlin(), 0, HOT_BYTES, 40);
                            return Sites.copy(sites.berlin(), GROUP).mode().equals("dirty_map");
                        });
                // Every write so far was answered, and so are those to come.
                write(sites.berlin(), 0, HOT_BYTES, 400);
                assertThat(Sites.copy(sites.berlin(), GROUP).reason())
                        .contains("the journals' space was full");
                assertThat(sites.berlin().api().get("/api/v1/alerts"))
                        .contains("pool-full")
                        .contains("no longer held for a copy");
                below.freeAgain();
                expectBack(sites, "the journals' space was full");
            }
        } finally {
            below.unmount();
        }
    }
}
