package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Zeros that shall not leave holes: they take room where there is some, and nobody else's. */
@Timeout(180)
final class NoHoleIT {
    private static final String GROUP = "default";
    private static final int MIB = 1 << 20;
    private static final int ANSWER_SECONDS = 30;

    @TempDir Path folder;

    @Test
    void zeros_take_room_while_there_is_room() throws Exception {
        try (GatewayProcess gateway = new GatewayProcess(folder.resolve("gateway")).start()) {
            gateway.api().createVolume("disk", 64L * MIB, null);
            try (NbdTestClient client = gateway.connect("disk")) {
                client.startZeroAllocated(16L * MIB, 16 * MIB)
                        .get(ANSWER_SECONDS, TimeUnit.SECONDS);
                client.zero(40L * MIB, 8 * MIB);
                client.flush();
            }
            gateway.api().awaitFolded(GROUP);
            assertThat(gateway.api().volumes().getFirst().allocatedBytes())
                    .as("bytes of gold, of which 16 MiB were zeroed without holes")
                    .isBetween(16L * MIB, 17L * MIB);
            assertThat(extents(gateway))
                    .containsExactly("0 16777216 3", "16777216 16777216 2", "33554432 33554432 3");
            assertThat(gateway.stop()).isZero();
        }
    }

    @Test
    void zeros_that_exceed_the_file_system_leave_its_room_to_others() throws Exception {
        LoopDisk below = new LoopDisk(folder, 400L * MIB);
        try (GatewayProcess gateway =
                new GatewayProcess(below.path()).set("journal.storage_unit", "\"4MiB\"").start()) {
            gateway.api().createVolume("disk", 2048L * MIB, null);
            byte[] before = content(1);
            byte[] inside = content(2);
            byte[] after = content(3);
            try (NbdTestClient client = gateway.connect("disk")) {
                client.write(0, before);
                client.write(500L * MIB, inside);
                client.write(1100L * MIB, after);
                client.flush();
                gateway.api().addCheckpoint(GROUP, "written");
                gateway.api().awaitFolded(GROUP);
                long freeBytes = below.freeBytes();

                client.startZeroAllocated(MIB, 1024 * MIB).get(ANSWER_SECONDS, TimeUnit.SECONDS);
                client.flush();
                gateway.api().awaitFolded(GROUP);
                assertThat(below.freeBytes())
                        .as("free bytes, %d before", freeBytes)
                        .isGreaterThan(freeBytes - 24L * MIB);
                expect(client, before, new byte[MIB], after);
                client.write(2L * MIB, inside);
                client.flush();
            }
            gateway.api().awaitFolded(GROUP);
            assertThat(extents(gateway))
                    .containsExactly(
                            "0 1048576 0",
                            "1048576 1048576 3",
                            "2097152 1048576 0",
                            "3145728 521142272 3",
                            "524288000 1048576 0", // was allocated, and stays so
                            "525336576 628097024 3",
                            "1153433600 1048576 0",
                            "1154482176 993001472 3");
            gateway.kill();
            gateway.start();
            try (NbdTestClient client = gateway.connect("disk")) {
                expect(client, before, new byte[MIB], after);
                assertThat(client.read(2L * MIB, MIB)).isEqualTo(inside);
            }
            try (NbdTestClient past = gateway.connect("disk@written")) {
                expect(past, before, inside, after);
            }
            assertThat(gateway.stop()).isZero();
        } finally {
            below.unmount();
        }
    }

    private static byte[] content(int seed) {
        byte[] content = new byte[MIB];
        new Random(seed).nextBytes(content);
        return content;
    }

    private static void expect(NbdTestClient client, byte[] before, byte[] inside, byte[] after)
            throws IOException {
        assertThat(client.read(0, MIB)).isEqualTo(before);
        assertThat(client.read(500L * MIB, MIB)).isEqualTo(inside);
        assertThat(client.read(1100L * MIB, MIB)).isEqualTo(after);
    }

    /** Offset, length and bits of base:allocation. */
    private static List<String> extents(GatewayProcess gateway) throws Exception {
        return ForeignProgram.run("nbdinfo", "--map", gateway.uri("disk"))
                .lines()
                .map(line -> line.strip().split(" +"))
                .map(fields -> fields[0] + " " + fields[1] + " " + fields[2])
                .toList();
    }
}
