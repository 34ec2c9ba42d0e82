package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.gateway.wire.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The same work done by the NBD clients of this machine and by those of Debian 13, which agree on
 * extended headers by themselves.
 */
@ParameterizedClass
@EnumSource(NbdReleasesIT.Clients.class)
@Timeout(900)
final class NbdReleasesIT {
    private static final int SIZE_BYTES = 48 << 20;
    private static final String WORK = "work/";

    /** Making a root means downloading it. */
    private static final Duration MAKING_LIMIT = Duration.ofMinutes(10);

    private static final Duration LIMIT = Duration.ofMinutes(2);

    /** Whose programs are run. */
    enum Clients {
        THIS_MACHINE,
        DEBIAN_13;

        /** The command line that runs a command which sees the folder. */
        String[] line(Path folder, String... command) {
            List<String> line = new ArrayList<>();
            if (this == DEBIAN_13) {
                String script = ProjectFiles.root().resolve("scripts/client-root").toString();
                line.addAll(List.of("bash", script, "--suite", "trixie"));
                line.addAll(List.of("--share", folder.toString(), "--"));
            }
            line.addAll(List.of(command));
            return line.toArray(String[]::new);
        }
    }

    @Parameter Clients clients = Clients.THIS_MACHINE;
    @TempDir Path folder;
    private GatewayProcess gateway;
    private Path work;

    @BeforeEach
    void startGateway() throws Exception {
        try (ForeignProgram first =
                ForeignProgram.start(clients.line(folder, "nbdinfo", "--version"))) {
            String version = first.expectSuccess(MAKING_LIMIT);
            if (clients == Clients.DEBIAN_13) {
                assertThat(version).contains("nbdinfo 1.22.");
            }
        }
        work = Files.createDirectory(folder.resolve(WORK));
        gateway = new GatewayProcess(folder.resolve("gateway")).start();
        gateway.api().createVolume("disk", SIZE_BYTES, null);
    }

    @AfterEach
    void stopGateway() throws Exception {
        try (GatewayProcess stopped = gateway) {
            assertThat(stopped.stop()).as("exit status; it printed:%n%s", stopped.log()).isZero();
        }
    }

    private String run(String... command) throws IOException, InterruptedException {
        try (ForeignProgram program = ForeignProgram.start(clients.line(work, command))) {
            return program.expectSuccess(LIMIT);
        }
    }

    private String disk() {
        return gateway.uri("disk");
    }

    /** A file of random content with zeros amid it. */
    private Path image(String name, long seed) throws IOException {
        byte[] content = new byte[SIZE_BYTES];
        new Random(seed).nextBytes(content);
        Arrays.fill(content, 8 << 20, 16 << 20, (byte) 0);
        return Files.write(work.resolve(name), content);
    }

    private void copy(String from, String to) throws Exception {
        run("nbdcopy", "--connections=8", "--requests=16", "--flush", from, to);
    }

    private Path script(String name) throws IOException {
        Path script = work.resolve(name);
        try (InputStream in = NbdReleasesIT.class.getResourceAsStream("/" + name)) {
            Files.copy(Objects.requireNonNull(in, name), script);
        }
        return script;
    }

    @Test
    void nbdinfo_tells_what_was_agreed_on() throws Exception {
        JsonNode told = Json.MAPPER.readTree(run("nbdinfo", "--no-content", "--json", disk()));
        assertThat(told.get("structured").asBoolean()).as("%s", told).isTrue();
        boolean extended = told.path("extended").asBoolean();
        if (clients == Clients.DEBIAN_13) {
            assertThat(extended).as("%s", told).isTrue();
        }
        List<String> contexts = new ArrayList<>();
        told.get("exports").get(0).get("contexts").forEach(name -> contexts.add(name.asText()));
        assertThat(contexts).contains("base:allocation");
        assertThat(contexts.contains("x-tidemark:last-write-seq")).isEqualTo(extended);
        assertThat(run("nbdinfo", "--list", gateway.uri(""))).contains("export=\"disk\"");
    }

    @Test
    void block_status_counts_in_as_many_bits_as_were_agreed_on() throws Exception {
        gateway.api().createVolume("vast", 6L << 30, null);
        String vast = gateway.uri("vast");
        run("qemu-io", "-f", "raw", "-c", "write -P 1 5G 64k", "-c", "flush", vast);
        gateway.api().awaitFolded("default");
        String[] extents = run("python3", script("extents.py").toString(), vast).split("\n", 0);
        long first = Long.parseLong(extents[1].split(" ", 2)[0]);
        if (clients == Clients.DEBIAN_13) {
            assertThat(extents[0]).isEqualTo("extended");
        }
        if (extents[0].equals("extended")) {
            assertThat(extents).hasSize(4);
            assertThat(first).isEqualTo(5L << 30);
        } else {
            assertThat(first).isBetween(1L << 30, (1L << 32) - 1);
        }
        assertThat(run("nbdinfo", "--map", vast).lines().map(String::strip).toList())
                .as("nbdinfo's map")
                .hasSize(3)
                .first()
                .asString()
                .matches("0 +5368709120 +3 +hole,zero");
    }

    @Test
    void nbdcopy_and_qemu_img_write_read_and_compare() throws Exception {
        Path old = image("old.raw", 1);
        copy(old.toString(), disk());
        gateway.api().addCheckpoint("default", "old");
        Path fresh = image("new.raw", 2);
        run(
                "qemu-img",
                "convert",
                "-n",
                "-m",
                "8",
                "-W",
                "-f",
                "raw",
                "-O",
                "raw",
                fresh.toString(),
                disk());
        Path out = work.resolve("out.raw");
        copy(disk(), out.toString());
        assertThat(Files.mismatch(out, fresh)).isEqualTo(-1);
        copy(gateway.uri("disk@old"), out.toString());
        assertThat(Files.mismatch(out, old)).isEqualTo(-1);
        run(
                "qemu-img",
                "compare",
                "-f",
                "raw",
                "-F",
                "raw",
                gateway.uri("disk@old"),
                old.toString());
    }

    @Test
    void qemu_io_reads_back_what_it_wrote_zeroed_and_trimmed() throws Exception {
        String printed =
                run(
                        "qemu-io",
                        "-f",
                        "raw",
                        "-c",
                        "write -P 0x11 1M 4M",
                        "-c",
                        "write -f -P 0x12 4097 511",
                        "-c",
                        "write -z -u 1M 64k",
                        "-c",
                        "write -z 2M 64k",
                        "-c",
                        "discard 3M 64k",
                        "-c",
                        "flush",
                        "-c",
                        "read -P 0 1M 64k",
                        "-c",
                        "read -P 0 2M 64k",
                        "-c",
                        "read -P 0 3M 64k",
                        "-c",
                        "read -P 0x11 1088k 64k",
                        "-c",
                        "read -P 0x12 4097 511",
                        disk());
        assertThat(printed).doesNotContain("failed").contains("discard 65536/65536");
    }

    @Test
    void fio_verifies_what_it_wrote() throws Exception {
        String printed =
                run(
                        "fio",
                        "--name=verified",
                        "--ioengine=nbd",
                        "--uri=" + disk(),
                        "--rw=randwrite",
                        "--bssplit=512/20:4k/60:64k/20",
                        "--size=24m",
                        "--iodepth=16",
                        "--verify=crc32c",
                        "--do_verify=1",
                        "--verify_fatal=1",
                        "--fsync=64");
        assertThat(printed).contains("err= 0");
    }

    @Test
    void ext4_is_made_through_nbdfuse() throws Exception {
        Path file = Files.createFile(work.resolve("mounted"));
        Path letter = Files.writeString(work.resolve("letter"), "version one ".repeat(5000));
        // In one command, since the mount is seen by it alone.
        run(
                "bash",
                "-c",
                """
                set -e
                nbdfuse "$1" "$2" & fuse=$!
                until [ "$(stat -c %s "$1")" = "$3" ]; do kill -0 $fuse; sleep 0.1; done
                mkfs.ext4 -q -F "$1"
                debugfs -w -R "write $4 letter" "$1"
                umount "$1"
                wait $fuse
                """,
                "bash",
                file.toString(),
                disk(),
                Integer.toString(SIZE_BYTES),
                letter.toString());
        Path image = work.resolve("image");
        copy(disk(), image.toString());
        run("e2fsck", "-fn", image.toString());
        Path dumped = work.resolve("dumped");
        run("debugfs", "-R", "dump letter " + dumped, image.toString());
        assertThat(dumped).hasSameBinaryContentAs(letter);
    }

    @Test
    void an_incremental_backup_restores_the_identical_image() throws Exception {
        copy(image("old.raw", 3).toString(), disk());
        gateway.api().addCheckpoint("default", "full");
        Path backup = work.resolve("backup.raw");
        copy(gateway.uri("disk@full"), backup.toString());
        run(
                "qemu-io",
                "-f",
                "raw",
                "-c",
                "write -P 0x21 1M 192k",
                "-c",
                "write -z -u 9M 64k",
                "-c",
                "discard 20M 1M",
                disk());
        gateway.api().addCheckpoint("default", "next");
        run("qemu-io", "-f", "raw", "-c", "write -P 0x22 30M 1M", disk());
        assertThat(
                        run(
                                "python3",
                                script("incremental-backup.py").toString(),
                                gateway.uri("disk@next"),
                                "full",
                                backup.toString()))
                .isEqualTo((192 << 10) + (64 << 10) + (1 << 20) + " bytes copied\n");
        gateway.api().createVolume("restored", SIZE_BYTES, null);
        copy(backup.toString(), gateway.uri("restored"));
        String restored = gateway.uri("restored");
        run("qemu-img", "compare", "-f", "raw", "-F", "raw", restored, gateway.uri("disk@next"));
        Path expected = work.resolve("expected.raw");
        copy(gateway.uri("disk@next"), expected.toString());
        assertThat(Files.mismatch(backup, expected)).isEqualTo(-1);
    }
}
