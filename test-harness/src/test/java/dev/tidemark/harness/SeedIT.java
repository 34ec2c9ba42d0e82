package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.gateway.wire.Requests;
import dev.tidemark.gateway.wire.Wire.SyncDocument;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Images that come to a site by another way than the link: put in place before a copy is made, or
 * imported into a group that has one.
 */
final class SeedIT {
    private static final int DISK_BYTES = 64 << 20;
    private static final int DATA_BYTES = 40 << 20;
    private static final int CHANGED_BYTES = 1 << 20;
    private static final String GROUP = "shop";

    private final Random random = new Random(11);
    private Path scratch;
    private Sites sites;
    private GatewayProcess berlin;
    private GatewayProcess paris;

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        scratch = folder;
        sites = Sites.two(folder);
        berlin = sites.berlin();
        paris = sites.paris();
        berlin.api().createGroup(new Requests.CreateGroup(GROUP, null, null, null, null));
        var _ = berlin.api().createVolume("data", DISK_BYTES, GROUP);
        var _ = berlin.api().createVolume("log", DISK_BYTES, GROUP);
        write("data", 0, DATA_BYTES);
        write("log", DISK_BYTES - CHANGED_BYTES, CHANGED_BYTES);
    }

    @AfterEach
    void stop() throws Exception {
        sites.close();
    }

    private void write(String disk, long offsetBytes, int lengthBytes) throws Exception {
        byte[] bytes = new byte[1 << 20];
        try (NbdTestClient client = berlin.connect(disk)) {
            for (int at = 0; at < lengthBytes; at += bytes.length) {
                random.nextBytes(bytes);
                client.write(offsetBytes + at, bytes);
            }
        }
    }

    private Path raw(String disk) throws Exception {
        Path image = scratch.resolve(disk + ".raw");
        var _ = ForeignProgram.run("nbdcopy", berlin.uri(disk), image.toString());
        return image;
    }

    private String seed(String image) throws Exception {
        return Sites.run(paris, "group", "seed", GROUP, "--from", "berlin", image);
    }

    private String refused(String... arguments) throws Exception {
        return Sites.refused(paris, arguments);
    }

    private void protect() throws Exception {
        Sites.run(berlin, "group", "protect", GROUP, "--to", "paris");
        Sites.awaitEven(berlin, GROUP);
        Sites.awaitRole(paris, GROUP, "standby");
    }

    private void assertSame(String... disks) throws Exception {
        for (String disk : disks) {
            assertThat(Sites.hash(paris, disk + Sites.newest(paris, GROUP)))
                    .as(disk)
                    .isEqualTo(Sites.hash(berlin, disk));
        }
    }

    private long received() throws Exception {
        return paris.api().tree("/api/v1/site/peers/berlin").path("receivedBytes").asLong();
    }

    @Test
    void only_what_differs_from_an_image_that_was_put_in_place_crosses_the_link() throws Exception {
        Path image = raw("data");
        // It is older than the disk, has something that the disk has not, and is shorter.
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(DATA_BYTES + (4 << 20));
            byte[] stale = new byte[CHANGED_BYTES];
            Arrays.fill(stale, (byte) 1);
            file.write(stale);
            file.setLength(DISK_BYTES - (8 << 20));
        }
        write("data", 8 << 20, CHANGED_BYTES);
        assertThat(seed("data=" + image)).contains("tidemark group protect shop");
        assertThat(paris.api().get("/api/v1/groups")).contains(GROUP);
        assertThat(refused("group", "show", GROUP)).contains("a copy that is being made");
        paris.kill();
        paris.start();
        sites.awaitConnected();

        long before = received();
        protect();
        assertSame("data", "log");
        SyncDocument sync = Sites.copy(berlin, GROUP).sync();
        long differs = 2 * CHANGED_BYTES; // What was written since, and the disk without an image.
        assertThat(sync.sentBytes()).isBetween(differs, differs + (1 << 20));
        assertThat(sync.equalBytes())
                .isGreaterThanOrEqualTo(DATA_BYTES - CHANGED_BYTES - (1 << 20));
        assertThat(sync.zeroedBytes()).isGreaterThanOrEqualTo(CHANGED_BYTES);
        assertThat(received() - before).isLessThan(differs + (2 << 20));
        write("data", 0, CHANGED_BYTES);
        Sites.awaitEven(berlin, GROUP);
        assertSame("data", "log");
        assertThat(refused("group", "seed", GROUP, "--from", "berlin", "data=" + image))
                .contains("is here already");
    }

    @Test
    void images_that_do_not_fit_are_refused_and_say_why() throws Exception {
        Path image = raw("log");
        assertThat(refused("group", "seed", "shops", "--from", "berlin", "log=" + image))
                .contains("has no such group")
                .contains(GROUP);
        assertThat(refused("group", "seed", GROUP, "--from", "berlin", "logs=" + image))
                .contains("has no such volume")
                .contains("data, log");
        assertThat(refused("group", "seed", GROUP, "--from", "berlin", "log=" + image + ".gone"))
                .contains("cannot be read");
        Path other = scratch.resolve("log.qcow2");
        var _ =
                ForeignProgram.run(
                        "qemu-img", "convert", "-O", "qcow2", image.toString(), other.toString());
        assertThat(refused("group", "seed", GROUP, "--from", "berlin", "log=" + other))
                .contains("qcow2")
                .contains("qemu-img convert -O raw");
        Path large = scratch.resolve("large.raw");
        try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
            file.setLength(DISK_BYTES + 512);
        }
        assertThat(refused("group", "seed", GROUP, "--from", "berlin", "log=" + large))
                .contains("larger than the volume log");
        try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
            file.setLength(1000);
        }
        assertThat(refused("group", "seed", GROUP, "--from", "berlin", "log=" + large))
                .contains("no whole number of sectors");
        assertThat(paris.api().get("/api/v1/groups")).doesNotContain(GROUP);

        // What was put in place and is not wanted leaves nothing.
        Path back = scratch.resolve("back.raw");
        var _ =
                ForeignProgram.run(
                        "qemu-img", "convert", "-O", "raw", other.toString(), back.toString());
        seed("log=" + back);
        Sites.run(paris, "group", "delete", GROUP);
        try (var left = Files.list(paris.data().resolve("groups"))) {
            assertThat(left).isEmpty();
        }
        seed("log=" + back);
        protect();
        assertSame("data", "log");
        assertThat(Sites.copy(berlin, GROUP).sync().equalBytes())
                .isGreaterThanOrEqualTo(CHANGED_BYTES);
    }

    @Test
    void an_image_that_is_imported_into_a_protected_group_reaches_its_copy() throws Exception {
        protect();
        Path image = raw("data");
        Sites.run(berlin, "volume", "import", "more", "--from", image.toString(), "--group", GROUP);
        write("more", 0, CHANGED_BYTES);
        Sites.awaitEven(berlin, GROUP);
        assertSame("data", "log", "more");
        SyncDocument sync = Sites.copy(berlin, GROUP).sync();
        assertThat(sync.trigger()).contains("volume more was imported");
        assertThat(sync.sentBytes()).isLessThan(DATA_BYTES + 3 * CHANGED_BYTES);

        // The same while nothing is shipped, and when the copy is taken up again.
        Sites.run(berlin, "group", "unprotect", GROUP, "--to", "paris");
        Sites.run(
                berlin, "volume", "import", "later", "--from", image.toString(), "--group", GROUP);
        protect();
        assertSame("data", "log", "more", "later");
        JsonNode tasks = Sites.tasks(berlin);
        assertThat(tasks.path(0).path("state").asText()).isEqualTo("succeeded");
        assertThat(
                        Sites.refused(
                                paris,
                                "volume",
                                "import",
                                "here",
                                "--from",
                                image.toString(),
                                "--group",
                                GROUP))
                .contains("is not active here");
    }
}
