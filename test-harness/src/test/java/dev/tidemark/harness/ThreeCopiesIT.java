package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.wire.Requests;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each write gets into the journal, to the peer and to an analyzer; none waits for another. */
final class ThreeCopiesIT {
    private static final String GROUP = "shop";
    private static final int DISK_BYTES = 64 << 20;
    private static final int SMALL_BYTES = 4096;
    private static final int LARGE_BYTES = 64 << 10;

    /** Far more than a tap may be behind here, and than sockets hold. */
    private static final int LARGE_WRITES = 640;

    private static final int MOST_TAPS = 8;

    private final Random random = new Random(11);
    private final List<byte[]> written = new ArrayList<>();
    private Sites sites;
    private GatewayProcess berlin;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        sites = Sites.two(scratch);
        berlin = sites.berlin();
        berlin.kill();
        berlin.set("api.tap_backlog", GatewayProcess.quoted("8MiB")).start();
        sites.awaitConnected();
        berlin.api().createGroup(new Requests.CreateGroup(GROUP, null, null, null, null));
        var _ = berlin.api().createVolume("data", DISK_BYTES, GROUP);
        Sites.run(berlin, "group", "protect", GROUP, "--to", "paris");
        Sites.awaitEven(berlin, GROUP);
    }

    @AfterEach
    void stop() throws Exception {
        sites.close();
    }

    private void write(int count, int bytes) throws Exception {
        try (NbdTestClient disk = berlin.connect("data")) {
            for (int i = 0; i < count; i++) {
                byte[] content = new byte[bytes];
                random.nextBytes(content);
                disk.write((long) random.nextInt(DISK_BYTES / bytes) * bytes, content);
                written.add(content);
            }
        }
    }

    private double count(String metric, String copy) throws Exception {
        return berlin.api().metric(metric, "copy=\"" + copy + "\"", "group=\"" + GROUP + "\"");
    }

    private double records(String copy) throws Exception {
        return count("tidemark_copy_records_total", copy);
    }

    private double dropped(String copy) throws Exception {
        return count("tidemark_copy_dropped_records_total", copy);
    }

    private void awaitRecords(String copy, double wanted) throws Exception {
        try {
            Await.until(copy + " to have it", Sites.LIMIT, () -> records(copy) == wanted);
        } catch (AssertionError late) {
            throw new AssertionError(
                    "%s has %.0f of %.0f: %s%n%s"
                            .formatted(
                                    copy,
                                    records(copy),
                                    wanted,
                                    berlin.api().group(GROUP),
                                    berlin.log()),
                    late);
        }
    }

    private void awaitThree(double wanted) throws Exception {
        for (String copy : List.of("journal", "peer", "analyzer")) {
            awaitRecords(copy, wanted);
        }
        double bytes = count("tidemark_copy_bytes_total", "journal");
        assertThat(bytes).isPositive();
        for (String copy : List.of("peer", "analyzer")) {
            assertThat(count("tidemark_copy_bytes_total", copy)).as(copy).isEqualTo(bytes);
            assertThat(dropped(copy)).as(copy).isZero();
        }
    }

    @Test
    void each_write_gets_to_all_three_and_what_one_lacks_the_others_do_not() throws Exception {
        try (TapReader tap = TapReader.open(berlin, GROUP, true).start()) {
            write(3000, SMALL_BYTES);
            try (NbdTestClient disk = berlin.connect("data")) {
                disk.zero(0, 1 << 20);
            }
            awaitThree(3001);
            List<JsonNode> seen = tap.writes();
            for (int i = 0; i < written.size(); i++) {
                assertThat(seen.get(i).path("payload").binaryValue())
                        .as("write %d", i)
                        .isEqualTo(written.get(i));
            }
            assertThat(seen.getLast().path("kind").asText()).isEqualTo("zero");
            assertThat(seen.getLast().path("volume").asText()).isEqualTo("data");
            assertThat(seen.getLast().path("lengthBytes").asInt()).isEqualTo(1 << 20);

            Sites.signal("STOP", sites.paris());
            write(500, SMALL_BYTES);
            awaitRecords("journal", 3501);
            awaitRecords("analyzer", 3501);
            assertThat(records("peer")).isLessThan(3501);
            Sites.signal("CONT", sites.paris());
            awaitThree(3501);

            // A link that ends with records on its way: none counts twice, none not at all.
            try (NbdTestClient disk = berlin.connect("data")) {
                for (int i = 0; i < 500; i++) {
                    disk.write((long) i * SMALL_BYTES, new byte[SMALL_BYTES]);
                    if (i == 250) {
                        sites.paris().kill();
                    }
                }
            }
            awaitRecords("analyzer", 4001);
            sites.paris().start();
            awaitThree(4001);
            assertThat(tap.gaps()).isEmpty();
        }
        assertThat(dropped("journal")).isZero();
    }

    @Test
    void a_reader_that_does_not_read_is_told_what_it_missed_and_nobody_waits() throws Exception {
        try (TapReader stuck = TapReader.open(berlin, GROUP, true)) {
            long before = berlin.api().group(GROUP).headSequence();
            write(LARGE_WRITES, LARGE_BYTES);
            awaitRecords("journal", LARGE_WRITES);
            awaitRecords("peer", LARGE_WRITES);
            assertThat(records("analyzer")).isLessThan(LARGE_WRITES);

            stuck.start();
            long last = berlin.api().group(GROUP).headSequence();
            Await.until("the gap", Sites.LIMIT, () -> stuck.lastSequence() >= last);
            checkGaps(stuck, before);
            int missed = stuck.gaps().stream().mapToInt(gap -> gap.path("writes").asInt()).sum();
            assertThat(missed).isPositive();
            assertThat(stuck.writes()).hasSize(LARGE_WRITES - missed);
            awaitRecords("analyzer", LARGE_WRITES - missed);
            assertThat(dropped("analyzer")).isEqualTo(missed);
            assertThat(dropped("peer")).isZero();

            write(100, SMALL_BYTES);
            awaitRecords("analyzer", LARGE_WRITES - missed + 100);
            awaitRecords("peer", LARGE_WRITES + 100);
        }
        // Its reader is killed: the others go on, and its place is free again.
        write(100, SMALL_BYTES);
        awaitRecords("peer", LARGE_WRITES + 200);
        awaitRecords("journal", LARGE_WRITES + 200);
        List<TapReader> taps = new ArrayList<>();
        try {
            Await.until(
                    "all places to be free",
                    Sites.LIMIT,
                    () -> opened(taps) && taps.size() == MOST_TAPS);
            assertThatThrownBy(() -> TapReader.open(berlin, GROUP, true))
                    .hasMessageContaining("409");

            // The gateway ends although none of them reads.
            write(200, LARGE_BYTES);
            long begin = System.nanoTime();
            assertThat(berlin.stop()).isZero();
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Sites.LIMIT);
        } finally {
            for (TapReader tap : taps) {
                tap.close();
            }
        }
    }

    /** Whether a place was free. */
    private boolean opened(List<TapReader> taps) throws Exception {
        try {
            return taps.add(TapReader.open(berlin, GROUP, true));
        } catch (IOException refused) {
            return false;
        }
    }

    /**
     * Every record after one, or from an earlier one on, is there or in a gap, in order, none
     * twice.
     */
    private static void checkGaps(TapReader tap, long before) {
        JsonNode begin = tap.lines().getFirst();
        long next = begin.path("sequence").asLong(begin.path("gap").path("firstSequence").asLong());
        assertThat(next).isPositive().isLessThanOrEqualTo(before + 1);
        for (JsonNode line : tap.lines()) {
            JsonNode gap = line.path("gap");
            if (gap.isMissingNode()) {
                assertThat(line.path("sequence").asLong()).isEqualTo(next);
                next++;
            } else {
                assertThat(gap.path("firstSequence").asLong()).isEqualTo(next);
                long end = gap.path("lastSequence").asLong() + 1;
                assertThat(gap.path("records").asLong()).isEqualTo(end - next);
                next = end;
            }
        }
    }
}
