package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A group at two sites, as processes: protected, tested, failed over, reversed, moved back. */
final class TwoSitesIT {
    private static final int DISK_BYTES = 16 << 20;
    private static final int WRITE_BYTES = 64 << 10;
    private static final String GROUP = "shop";

    private final Random random = new Random(7);
    private Sites sites;
    private GatewayProcess berlin;
    private GatewayProcess paris;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        sites = Sites.recorded(scratch);
        berlin = sites.berlin();
        paris = sites.paris();
        berlin.api().createGroup(new Requests.CreateGroup(GROUP, null, null, null, null));
        var _ = berlin.api().createVolume("data", DISK_BYTES, GROUP);
        var _ = berlin.api().createVolume("log", DISK_BYTES, GROUP);
    }

    @AfterEach
    void stop() throws Exception {
        sites.close();
    }

    private void write(GatewayProcess gateway, int count) throws Exception {
        try (NbdTestClient data = gateway.connect("data");
                NbdTestClient log = gateway.connect("log")) {
            for (int i = 0; i < count; i++) {
                byte[] bytes = new byte[WRITE_BYTES];
                random.nextBytes(bytes);
                long offset = (long) random.nextInt(DISK_BYTES / WRITE_BYTES) * WRITE_BYTES;
                (i % 2 == 0 ? data : log).write(offset, bytes);
            }
        }
    }

    private void protect() throws Exception {
        assertThat(Sites.run(berlin, "group", "protect", GROUP, "--to", "paris"))
                .contains("copy      at paris");
        Sites.awaitEven(berlin, GROUP);
        Sites.awaitRole(paris, GROUP, "standby");
    }

    private void assertSameNow() throws Exception {
        for (String disk : List.of("data", "log")) {
            assertThat(Sites.hash(paris, disk + Sites.newest(paris, GROUP)))
                    .as(disk)
                    .isEqualTo(Sites.hash(berlin, disk + Sites.newest(berlin, GROUP)));
        }
    }

    private void assertSame(String export) throws Exception {
        assertThat(Sites.hash(paris, export)).as(export).isEqualTo(Sites.hash(berlin, export));
    }

    @Test
    void a_copy_follows_write_by_write_and_is_tested_while_it_does() throws Exception {
        write(berlin, 40);
        protect();
        write(berlin, 40);
        var _ = berlin.api().addCheckpoint(GROUP, "noon");
        write(berlin, 40);
        long last = berlin.api().group(GROUP).headSequence();
        Sites.awaitEven(berlin, GROUP);
        for (String disk : List.of("data", "log")) {
            assertSame(disk + "@noon");
            assertSame(disk + "@seq:" + last);
        }
        GroupDocument copy = paris.api().group(GROUP);
        assertThat(copy.source()).isEqualTo("berlin");
        assertThat(copy.status()).isEqualTo("protecting");
        assertThat(berlin.api().metric("tidemark_protection_shipping", "peer=\"paris\"")).isOne();

        // A test at the copy writes for itself, and the copy goes on.
        long test = paris.api().startTests(GROUP, "noon").tests().getFirst().id();
        try (NbdTestClient disk = paris.connect("test." + test + ".data")) {
            disk.write(0, new byte[WRITE_BYTES]);
        }
        write(berlin, 20);
        Sites.awaitEven(berlin, GROUP);
        assertSame("data@noon");
        assertThat(paris.api().group(GROUP).status()).isEqualTo("test");
        var _ = paris.api().stopTest(test, "passed");

        assertThatThrownBy(() -> paris.connect("data").close()).isInstanceOf(Exception.class);
        assertThat(
                        Sites.refused(
                                paris, "volume", "create", "more", "--size", "1M", "--group",
                                GROUP))
                .contains("is a copy");

        // Paused, what it lacks is kept; after both have started again, it goes on.
        Sites.run(berlin, "group", "pause", GROUP, "--to", "paris");
        write(berlin, 20);
        assertThat(Sites.copy(berlin, GROUP).state()).isEqualTo("paused");
        assertThat(Sites.copy(berlin, GROUP).backlogBytes()).isPositive();
        berlin.kill();
        paris.kill();
        berlin.start();
        paris.start();
        assertThat(Sites.copy(berlin, GROUP).state()).isEqualTo("paused");
        Sites.run(berlin, "group", "resume", GROUP, "--to", "paris");
        Sites.awaitEven(berlin, GROUP);
        assertSameNow();
        assertThat(Sites.copy(berlin, GROUP).sync().sentBytes()).isZero();
    }

    @Test
    void the_other_site_takes_over_and_the_group_comes_back() throws Exception {
        write(berlin, 40);
        protect();
        write(berlin, 20);
        var _ = berlin.api().addCheckpoint(GROUP, "good");
        write(berlin, 20);
        Sites.awaitEven(berlin, GROUP);
        String before = Sites.hash(berlin, "data");

        assertThat(Sites.refused(paris, "failover", "--group", GROUP, "--at", "good"))
                .contains("say --yes");
        Sites.run(paris, "failover", "--group", GROUP, "--at", "latest", "--yes");
        assertThat(Sites.hash(paris, "data")).isEqualTo(before);
        Sites.awaitRole(berlin, GROUP, "fenced");
        assertThatThrownBy(() -> berlin.connect("data").close()).isInstanceOf(Exception.class);
        assertThat(paris.api().group(GROUP).status()).isEqualTo("failover");
        assertThat(Sites.refused(paris, "reverse", "--group", GROUP)).contains("commit it first");
        write(paris, 30);

        Sites.run(paris, "failover", "--group", GROUP, "--commit");
        assertThat(paris.api().group(GROUP).status())
                .isEqualTo("promotion_complete_mirrors_not_yet_activated");
        Sites.run(paris, "reverse", "--group", GROUP);
        Sites.awaitEven(paris, GROUP);
        Sites.awaitRole(berlin, GROUP, "standby");
        assertSameNow();
        assertThat(Sites.copy(paris, GROUP).sync().sentBytes()).isZero();
        assertThat(berlin.api().runningTests()).isEmpty();
        write(paris, 10);
        Sites.awaitEven(paris, GROUP);

        String last = Sites.hash(paris, "log");
        Sites.run(paris, "move", "--group", GROUP, "--to", "berlin", "--yes");
        Sites.awaitRole(berlin, GROUP, "active");
        assertThat(paris.api().group(GROUP).role()).isEqualTo("fenced");
        assertThat(Sites.hash(berlin, "log")).isEqualTo(last);
        write(berlin, 10);
        Sites.run(berlin, "reverse", "--group", GROUP);
        Sites.awaitEven(berlin, GROUP);
        assertSameNow();
        // The past is there at both sites.
        assertSame("data@good");
    }

    @Test
    void a_dead_site_is_taken_over_and_keeps_what_only_it_had_as_a_branch() throws Exception {
        write(berlin, 40);
        protect();
        var _ = berlin.api().addCheckpoint(GROUP, "good");
        Sites.awaitEven(berlin, GROUP);
        Sites.run(berlin, "group", "pause", GROUP, "--to", "paris");
        write(berlin, 20);
        String only = Sites.hash(berlin, "data");
        long last = berlin.api().group(GROUP).headSequence();
        berlin.kill();

        Sites.run(
                paris, "failover", "--group", GROUP, "--at", "good", "--policy", "commit", "--yes");
        write(paris, 20);
        Sites.run(paris, "reverse", "--group", GROUP);
        berlin.start();
        Sites.awaitRole(berlin, GROUP, "standby");
        Sites.awaitEven(paris, GROUP);
        assertSameNow();

        TestDocument branch = berlin.api().runningTests().getFirst();
        assertThat(branch.note()).startsWith("branch: ");
        assertThat(branch.state()).isEqualTo("branch");
        assertThat(berlin.api().group(GROUP).status()).isEqualTo("branch");
        assertThat(Sites.run(berlin, "test", "list")).contains(" branch ");
        assertThat(branch.point().sequence()).isGreaterThanOrEqualTo(last);
        assertThat(Sites.hash(berlin, "test." + branch.id() + ".data")).isEqualTo(only);
    }

    private void awaitVolumes(String... names) throws Exception {
        Set<String> wanted = Set.of(names);
        Await.until(
                "volumes of the copy to be " + wanted,
                Sites.LIMIT,
                () -> Set.copyOf(paris.api().group(GROUP).volumes()).equals(wanted));
    }

    @Test
    void a_volume_whose_name_is_taken_at_the_copy_is_called_otherwise_and_stops_nothing()
            throws Exception {
        protect();
        paris.api().createGroup(new Requests.CreateGroup("other", null, null, null, null));
        for (String name : List.of("photos", "music")) {
            var _ = paris.api().createVolume(name, DISK_BYTES, "other");
        }

        var _ = berlin.api().createVolume("photos", DISK_BYTES, GROUP);
        Sites.run(berlin, "volume", "rename", "log", "MUSIC");
        touch("photos");
        awaitVolumes("data", "MUSIC-berlin", "photos-berlin");
        Sites.awaitEven(berlin, GROUP);
        assertThat(Sites.hash(paris, "photos-berlin" + Sites.newest(paris, GROUP)))
                .isEqualTo(Sites.hash(berlin, "photos" + Sites.newest(berlin, GROUP)));
        assertThat(Sites.run(paris, "status"))
                .contains("the volume that is called MUSIC at berlin is MUSIC-berlin here");

        // The name that was taken is had with the next connection.
        Sites.run(paris, "volume", "rename", "music", "tunes");
        Sites.run(berlin, "group", "pause", GROUP, "--to", "paris");
        Sites.run(berlin, "group", "resume", GROUP, "--to", "paris");
        awaitVolumes("data", "MUSIC", "photos-berlin");

        // A name that was given up at the source is still that of the copy's volume.
        Sites.run(berlin, "volume", "delete", "photos");
        var _ = berlin.api().createVolume("photos-berlin", DISK_BYTES, GROUP);
        touch("data");
        awaitVolumes("data", "MUSIC", "photos-berlin", "photos-berlin-berlin");
    }

    private void touch(String volume) throws Exception {
        try (NbdTestClient disk = berlin.connect(volume)) {
            disk.write(0, new byte[] {1, 2, 3});
        }
    }

    @Test
    void a_failover_that_was_wrong_is_given_back() throws Exception {
        write(berlin, 40);
        protect();
        var _ = berlin.api().addCheckpoint(GROUP, "good");
        write(berlin, 20);
        Sites.awaitEven(berlin, GROUP);
        String before = Sites.hash(berlin, "data");

        Sites.run(
                paris,
                "failover",
                "--group",
                GROUP,
                "--at",
                "good",
                "--policy",
                "rollback",
                "--after",
                "1h",
                "--yes");
        Sites.awaitRole(berlin, GROUP, "fenced");
        write(paris, 20);
        Sites.run(paris, "failover", "--group", GROUP, "--rollback");
        Sites.awaitRole(berlin, GROUP, "active");
        assertThat(Sites.hash(berlin, "data")).isEqualTo(before);
        write(berlin, 20);
        Sites.awaitEven(berlin, GROUP);
        assertThat(paris.api().group(GROUP).role()).isEqualTo("standby");
        assertSameNow();
        assertThat(Sites.copy(berlin, GROUP).sync().sentBytes()).isPositive();
    }

    @Test
    void a_limit_holds_and_nothing_readable_crosses_the_wire() throws Exception {
        protect();
        Sites.run(berlin, "group", "limit", GROUP, "--to", "paris", "--rate", "1MiB");
        long begun = System.nanoTime();
        write(berlin, 48);
        Await.until(
                "the limit to be what holds the copy up",
                Sites.LIMIT,
                () -> Sites.copy(berlin, GROUP).stage().equals("wire"));
        Sites.awaitEven(berlin, GROUP);
        double seconds = (System.nanoTime() - begun) / 1e9;
        // 3 MiB that do not compress, a tenth of a second in advance.
        assertThat(seconds).isBetween(2.0, 20.0);
        Sites.run(berlin, "group", "limit", GROUP, "--to", "paris", "--rate", "none");
        Sites.run(berlin, "site", "limit", "paris", "--rate", "2MiB");
        assertThat(Sites.copy(berlin, GROUP).siteLimitBytesPerSecond()).isEqualTo(2 << 20);
        assertThat(Sites.copy(berlin, GROUP).limitBytesPerSecond()).isZero();
        begun = System.nanoTime();
        write(berlin, 48);
        Sites.awaitEven(berlin, GROUP);
        assertThat((System.nanoTime() - begun) / 1e9).isGreaterThan(1);

        String marker = "a-marker-that-hosts-have-written";
        try (NbdTestClient data = berlin.connect("data")) {
            data.write(0, marker.repeat(1000).getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
        Sites.awaitEven(berlin, GROUP);
        RecordingProxy proxy = sites.recording();
        assertThat(proxy.bytes()).isGreaterThan(6 << 20);
        assertThat(proxy.saw(marker)).isFalse();
        assertThat(proxy.saw(GROUP)).isFalse();
    }
}
