package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.foreign.ForeignProgram;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The programs that people use, each on a live disk, on a past point of it, and on the disk of a
 * recovery test, through the whole gateway.
 */
@Timeout(180)
final class RealClientsIT {
    private static final int SIZE_BYTES = 48 << 20;
    private static final Duration MOUNT_LIMIT = Duration.ofSeconds(20);
    private static final String POINT = "disk@old";

    @TempDir Path folder;
    private GatewayProcess gateway;

    @BeforeEach
    void startGateway() throws Exception {
        gateway = new GatewayProcess(folder.resolve("gateway")).start();
        gateway.api().createVolume("disk", SIZE_BYTES, null);
    }

    @AfterEach
    void stopGateway() throws Exception {
        try (GatewayProcess stopped = gateway) {
            assertThat(stopped.stop()).as("exit status; it printed:%n%s", stopped.log()).isZero();
        }
    }

    /** A raw image of random content with a hole of zeros in it. */
    private Path image(String name, long seed) throws IOException {
        byte[] content = new byte[SIZE_BYTES];
        new Random(seed).nextBytes(content);
        Arrays.fill(content, 8 << 20, 16 << 20, (byte) 0);
        return Files.write(folder.resolve(name), content);
    }

    private String uri(String export) {
        return gateway.uri(export);
    }

    private void mark() throws Exception {
        gateway.api().addCheckpoint("default", "old");
    }

    /** Starts a test of the marked point and returns the export of its disk. */
    private String startTest() throws Exception {
        TestDocument test = gateway.api().startTests("default", "old").tests().getFirst();
        return test.exports().getFirst().name();
    }

    private void stopTests() throws Exception {
        for (TestDocument test : gateway.api().runningTests()) {
            gateway.api().stopTest(test.id(), "passed");
        }
    }

    private static void run(String... command) throws IOException, InterruptedException {
        ForeignProgram.run(command);
    }

    /** Expects a program to fail by itself, and returns what it said. */
    private static String fail(String... command) throws Exception {
        List<String> negated =
                new ArrayList<>(
                        List.of("sh", "-c", "\"$@\"; status=$?; echo; test $status = 1", "sh"));
        negated.addAll(List.of(command));
        return ForeignProgram.run(negated.toArray(String[]::new));
    }

    private void expectContent(String export, Path image) throws Exception {
        run("qemu-img", "compare", "-f", "raw", "-F", "raw", uri(export), image.toString());
    }

    @Test
    void nbdinfo_tells_live_disk_point_and_test_apart() throws Exception {
        mark();
        String test = startTest();
        JsonNode live = info("disk");
        JsonNode point = info(POINT);
        JsonNode own = info(test);
        for (JsonNode export : List.of(live, point, own)) {
            assertThat(export.get("export-size").asLong()).as("%s", export).isEqualTo(SIZE_BYTES);
        }
        assertThat(live.get("is_read_only").asBoolean()).as("%s", live).isFalse();
        assertThat(point.get("is_read_only").asBoolean()).as("%s", point).isTrue();
        assertThat(own.get("is_read_only").asBoolean()).as("%s", own).isFalse();
        assertThat(live.get("can_multi_conn").asBoolean()).as("%s", live).isTrue();
        assertThat(point.get("description").asText()).contains("checkpoint old", "read-only");
        assertThat(ForeignProgram.run("nbdinfo", "--list", uri("")))
                .contains("export=\"disk\"", "export=\"" + test + "\"");
        stopTests();
    }

    private JsonNode info(String export) throws Exception {
        return Json.MAPPER
                .readTree(ForeignProgram.run("nbdinfo", "--json", uri(export)))
                .get("exports")
                .get(0);
    }

    @Test
    void nbdcopy_writes_a_disk_and_reads_its_past() throws Exception {
        Path old = image("old.raw", 1);
        Path fresh = image("new.raw", 2);
        copy(old.toString(), uri("disk"));
        mark();
        copy(fresh.toString(), uri("disk"));
        Path out = folder.resolve("out.raw");
        copy(uri(POINT), out.toString());
        assertThat(Files.mismatch(out, old)).isEqualTo(-1);
        copy(uri("disk"), out.toString());
        assertThat(Files.mismatch(out, fresh)).isEqualTo(-1);

        String test = startTest();
        copy(uri(test), out.toString());
        assertThat(Files.mismatch(out, old)).isEqualTo(-1);
        Path own = image("own.raw", 3);
        copy(own.toString(), uri(test));
        copy(uri(test), out.toString());
        assertThat(Files.mismatch(out, own)).isEqualTo(-1);
        copy(uri("disk"), out.toString());
        assertThat(Files.mismatch(out, fresh)).isEqualTo(-1);
        copy(uri(POINT), out.toString());
        assertThat(Files.mismatch(out, old)).isEqualTo(-1);
        stopTests();
    }

    private static void copy(String from, String to) throws Exception {
        run("nbdcopy", "--connections=4", "--requests=16", "--flush", from, to);
    }

    @Test
    void qemu_img_converts_compares_and_maps() throws Exception {
        Path old = image("old.raw", 4);
        convert(old, "disk");
        expectContent("disk", old);
        mark();
        Path fresh = image("new.raw", 5);
        convert(fresh, "disk");
        expectContent("disk", fresh);
        expectContent(POINT, old);
        String test = startTest();
        expectContent(test, old);
        convert(fresh, test);
        expectContent(test, fresh);
        expectContent(POINT, old);
        assertThat(fail("qemu-img", "compare", uri("disk"), uri(POINT)))
                .contains("Content mismatch");
        for (String export : List.of("disk", POINT, test)) {
            JsonNode map =
                    Json.MAPPER.readTree(
                            ForeignProgram.run("qemu-img", "map", "--output=json", uri(export)));
            long end = 0;
            for (JsonNode extent : map) {
                assertThat(extent.get("start").asLong()).as("%s: %s", export, map).isEqualTo(end);
                end += extent.get("length").asLong();
            }
            assertThat(end).as("%s: %s", export, map).isEqualTo(SIZE_BYTES);
        }
        stopTests();
    }

    private void convert(Path image, String export) throws Exception {
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
                image.toString(),
                uri(export));
    }

    @Test
    void qemu_io_reads_back_what_it_wrote_zeroed_and_trimmed() throws Exception {
        pattern("disk", "write -P 0x11 1M 2M", "write -f -P 0x12 4097 511", "flush");
        mark();
        pattern("disk", "write -z -u 1M 64k", "discard 1088k 64k", "write -P 0x22 2M 64k");
        String live = "read -P 0 1M 128k";
        pattern("disk", live, "read -P 0x22 2M 64k", "read -P 0x12 4097 511", "read -P 0 0 4097");
        pattern("-r", POINT, "read -P 0x11 1M 2M", "read -P 0x12 4097 511");
        String test = startTest();
        pattern(test, "read -P 0x11 1M 2M", "write -P 0x33 1M 64k", "write -z 2M 64k", "flush");
        pattern(test, "read -P 0x33 1M 64k", "read -P 0 2M 64k", "read -P 0x11 1088k 64k");
        pattern("disk", live, "read -P 0x22 2M 64k");
        pattern("-r", POINT, "read -P 0x11 1M 2M");
        assertThat(fail("qemu-io", "-f", "raw", "-c", "write 0 4k", uri(POINT)))
                .containsPattern("(?i)permission denied|read-only");
        stopTests();
    }

    private void pattern(String export, String... commands) throws Exception {
        List<String> line = new ArrayList<>(List.of("qemu-io"));
        List<String> rest = List.of(commands);
        String name = export;
        if (export.equals("-r")) {
            line.add("-r");
            name = rest.getFirst();
            rest = rest.subList(1, rest.size());
        }
        line.addAll(List.of("-f", "raw"));
        for (String command : rest) {
            line.addAll(List.of("-c", command));
        }
        line.add(uri(name));
        assertThat(ForeignProgram.run(line.toArray(String[]::new))).doesNotContain("failed");
    }

    @Test
    void fio_verifies_what_it_wrote_on_live_disk_and_test_at_once() throws Exception {
        mark();
        String test = startTest();
        try (ForeignProgram live = fio("disk", "randwrite");
                ForeignProgram own = fio(test, "randwrite");
                ForeignProgram past = fio(POINT, "randread")) {
            for (ForeignProgram program : List.of(live, own, past)) {
                assertThat(program.expectSuccess(Duration.ofSeconds(90))).contains("err= 0");
            }
        }
        run("qemu-io", "-r", "-f", "raw", "-c", "read -P 0 0 " + SIZE_BYTES, uri(POINT));
        stopTests();
    }

    private ForeignProgram fio(String export, String kind) throws Exception {
        List<String> line =
                new ArrayList<>(
                        List.of(
                                "fio",
                                "--name=" + kind,
                                "--ioengine=nbd",
                                "--uri=" + uri(export),
                                "--rw=" + kind,
                                "--bssplit=512/20:4k/60:64k/20",
                                "--size=24m",
                                "--iodepth=16"));
        if (kind.equals("randwrite")) {
            line.addAll(
                    List.of("--verify=crc32c", "--do_verify=1", "--verify_fatal=1", "--fsync=64"));
        }
        return ForeignProgram.start(line.toArray(String[]::new));
    }

    @Test
    void ext4_made_through_nbdfuse_stays_whole_at_a_point_and_in_a_test() throws Exception {
        Path letter = Files.writeString(folder.resolve("letter"), "version one ".repeat(5000));
        try (Mounted live = new Mounted("disk")) {
            run("mkfs.ext4", "-q", "-F", live.file());
            run("debugfs", "-w", "-R", "write " + letter + " letter", live.file());
            run("e2fsck", "-fn", live.file());
        }
        mark();
        try (Mounted live = new Mounted("disk")) {
            run(
                    "dd",
                    "if=/dev/urandom",
                    "of=" + live.file(),
                    "bs=64k",
                    "count=64",
                    "conv=notrunc,fsync");
        }
        try (Mounted live = new Mounted("disk")) {
            assertThat(ForeignProgram.run("sh", "-c", "! e2fsck -fn \"$1\"", "sh", live.file()))
                    .containsIgnoringCase("superblock");
        }
        try (Mounted past = new Mounted(POINT)) {
            run("e2fsck", "-fn", past.file());
            expectLetter(past, letter);
        }
        String test = startTest();
        try (Mounted own = new Mounted(test)) {
            run("e2fsck", "-fy", own.file());
            expectLetter(own, letter);
            run("debugfs", "-w", "-R", "rm letter", own.file());
            run("e2fsck", "-fn", own.file());
        }
        try (Mounted past = new Mounted(POINT)) {
            expectLetter(past, letter);
        }
        stopTests();
    }

    private void expectLetter(Mounted disk, Path letter) throws Exception {
        Path out = folder.resolve("dumped");
        Files.deleteIfExists(out);
        run("debugfs", "-R", "dump letter " + out, disk.file());
        assertThat(out).hasSameBinaryContentAs(letter);
    }

    /** An export as a file, by nbdfuse. */
    private final class Mounted implements AutoCloseable {
        private final Path file;
        private final ForeignProgram fuse;

        Mounted(String export) throws Exception {
            Path place = Files.createTempDirectory(folder, "mount");
            file = place.resolve("disk");
            Files.createFile(file);
            fuse = ForeignProgram.start("nbdfuse", file.toString(), uri(export));
            Await.until(
                    export + " to be a file: " + fuse.printed(),
                    MOUNT_LIMIT,
                    () -> Files.size(file) == SIZE_BYTES);
        }

        String file() {
            return file.toString();
        }

        @Override
        public void close() throws IOException {
            try (fuse) {
                run("umount", file.toString());
                fuse.expectSuccess(MOUNT_LIMIT);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw new AssertionError(interrupted);
            }
        }
    }
}
