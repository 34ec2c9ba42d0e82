package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.wire.Wire.TestDocument;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Recovery tests of a 10 GiB disk: what they take of the disk below, and that nobody sees what they
 * write.
 */
@Timeout(300)
final class SpaceIT {
    private static final String GROUP = "default";
    private static final String DISK = "big";
    private static final long DISK_BYTES = 10L << 30;
    private static final long ONE_PERCENT = DISK_BYTES / 100;
    private static final int MIB = 1 << 20;
    private static final List<String> POINTS = List.of("monday", "tuesday", "wednesday");
    private static final int WRITTEN_MIB_PER_TEST = 32;

    /** The catalogue's and the manifests' own growth; directory blocks. */
    private static final long TOLERANCE_BYTES = MIB;

    private final GatewayProcess gateway;

    SpaceIT(@TempDir Path home) throws IOException {
        gateway = new GatewayProcess(home);
    }

    @BeforeEach
    void fill() throws Exception {
        gateway.start();
        gateway.api().createVolume(DISK, DISK_BYTES, null);
        try (NbdTestClient disk = gateway.connect(DISK)) {
            for (int day = 0; day < POINTS.size(); day++) {
                for (int gib = 0; gib < 10; gib++) {
                    disk.write(((long) gib << 30) + (long) day * MIB, content(day, gib));
                }
                gateway.api().addCheckpoint(GROUP, POINTS.get(day));
            }
            disk.flush();
        }
        gateway.api().awaitFolded(GROUP);
    }

    @AfterEach
    void stop() {
        gateway.close();
    }

    private static byte[] content(int writer, int number) {
        byte[] content = new byte[MIB];
        new Random(1000L * writer + number).nextBytes(content);
        return content;
    }

    private long usage() throws Exception {
        return DiskUsage.bytes(gateway.data());
    }

    /** Usage after background work has come to rest. */
    private long settledUsage() throws Exception {
        long[] last = {-1, System.nanoTime()};
        Await.until(
                "the disk use to settle",
                Duration.ofSeconds(30),
                () -> {
                    long now = usage();
                    if (now != last[0]) {
                        last[0] = now;
                        last[1] = System.nanoTime();
                    }
                    return System.nanoTime() - last[1] > Duration.ofMillis(1500).toNanos();
                });
        return last[0];
    }

    private static String export(TestDocument test) {
        return "test." + test.id() + "." + DISK;
    }

    @Test
    void three_tests_take_what_they_write_and_give_it_back() throws Exception {
        long baseline = settledUsage();
        List<TestDocument> tests =
                gateway.api().startTests(GROUP, POINTS.toArray(String[]::new)).tests();
        long opened = usage() - baseline;
        for (TestDocument test : tests) {
            write(test);
        }
        long grown = usage() - baseline;
        long written = 3L * WRITTEN_MIB_PER_TEST * MIB;
        System.out.printf(
                "SpaceIT: baseline %d, three open tests +%d, after writing %d bytes +%d%n",
                baseline, opened, written, grown);
        assertThat(opened).as("growth by opening").isLessThan(4 * TOLERANCE_BYTES);
        assertThat(grown).as("growth by writing").isLessThan(written + ONE_PERCENT);
        assertThat(grown).as("the writes lie in the data directory").isGreaterThan(written / 2);
        for (TestDocument test : gateway.api().runningTests()) {
            assertThat(test.writtenBytes()).isEqualTo((long) WRITTEN_MIB_PER_TEST * MIB);
        }
        for (TestDocument test : tests) {
            gateway.api().stopTest(test.id(), "passed");
        }
        long after = settledUsage();
        System.out.printf("SpaceIT: after stop %+d%n", after - baseline);
        assertThat(after - baseline).as("left behind").isLessThan(TOLERANCE_BYTES);
    }

    private void write(TestDocument test) throws IOException {
        try (NbdTestClient client = gateway.connect(export(test))) {
            for (int i = 0; i < WRITTEN_MIB_PER_TEST; i++) {
                client.write(
                        i * (DISK_BYTES / WRITTEN_MIB_PER_TEST), content((int) test.id() + 10, i));
            }
            client.flush();
        }
    }

    @Test
    void nobody_sees_the_writes_of_a_test_nor_a_test_those_of_production() throws Exception {
        List<TestDocument> tests =
                gateway.api().startTests(GROUP, POINTS.toArray(String[]::new)).tests();
        tests.forEach(test -> assertThat(test.exports()).hasSize(1));
        for (TestDocument test : tests) {
            write(test);
        }
        try (NbdTestClient live = gateway.connect(DISK)) {
            expectDays(live, POINTS.size(), "production");
            for (int gib = 0; gib < 10; gib++) {
                live.write(((long) gib << 30) + 5L * MIB, content(99, gib));
            }
            live.flush();
        }
        gateway.api().addCheckpoint(GROUP, "after");
        gateway.api().awaitFolded(GROUP);
        for (int day = 0; day < tests.size(); day++) {
            TestDocument test = tests.get(day);
            try (NbdTestClient client = gateway.connect(export(test))) {
                expectOwn(client, test);
                expectBase(client, day + 1, export(test));
            }
        }
    }

    private static void expectOwn(NbdTestClient client, TestDocument test) throws IOException {
        for (int i = 0; i < WRITTEN_MIB_PER_TEST; i++) {
            long offset = i * (DISK_BYTES / WRITTEN_MIB_PER_TEST);
            expect(client, offset, content((int) test.id() + 10, i), export(test));
        }
    }

    /**
     * What the test has not written: its point's days where its own writes do not lie, and nothing
     * later.
     */
    private static void expectBase(NbdTestClient client, int days, String who) throws IOException {
        for (int gib = 0; gib < 10; gib++) {
            for (int day = 0; day < POINTS.size(); day++) {
                long offset = ((long) gib << 30) + (long) day * MIB;
                if (offset % (DISK_BYTES / WRITTEN_MIB_PER_TEST) != 0) {
                    expect(client, offset, day < days ? content(day, gib) : new byte[MIB], who);
                }
            }
            expect(client, ((long) gib << 30) + 5L * MIB, new byte[MIB], who);
        }
    }

    private static void expectDays(NbdTestClient client, int days, String who) throws IOException {
        for (int gib = 0; gib < 10; gib++) {
            for (int day = 0; day < days; day++) {
                expect(client, ((long) gib << 30) + (long) day * MIB, content(day, gib), who);
            }
        }
    }

    private static void expect(NbdTestClient client, long offset, byte[] content, String who)
            throws IOException {
        assertThat(Hashes.sha256(client.read(offset, content.length)))
                .as("%s at byte %d", who, offset)
                .isEqualTo(Hashes.sha256(content));
    }
}
