package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.harness.ViewBenchmark.Opening;
import dev.tidemark.harness.ViewBenchmark.Place;
import dev.tidemark.harness.ViewBenchmark.Reading;
import dev.tidemark.journal.history.HistoryGenerator.Shape;
import dev.tidemark.replica.PointInTimeView;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What views of a disk with a long history show, and cost. */
@Timeout(600)
final class ViewCostIT {
    private static final int INTERVALS = 10_000;

    /** Small enough that gold and all before-images stay in the memory of any machine. */
    private static final Shape SHAPE = new Shape(11, 1, 128L << 20, 4096, 4);

    private static final double MEBIBYTE = 1 << 20;

    /** What a host may wait for a read through a view, as a multiple of a read of gold. */
    private static final double LIMIT_FOR_HOSTS = 1.3;

    /** Room for a machine that does other work meanwhile; docs/benchmarks.md has a quiet one. */
    private static final double HEADROOM = 1.25;

    /**
     * The same for 64 KiB at a time, whose cost is copying: other work on the machine slows memory,
     * and a view reads from more places.
     */
    private static final double HEADROOM_SEQUENTIAL = 1.6;

    @TempDir static Path folder;
    private static LongHistory history;

    @BeforeAll
    static void makeHistory() throws Exception {
        history = new LongHistory(folder, SHAPE, INTERVALS, 17);
    }

    @AfterAll
    static void close() {
        history.close();
    }

    @Test
    void opening_is_fast_and_small_and_reads_cost_hosts_little_more_than_gold() throws Exception {
        ViewBenchmark benchmark = new ViewBenchmark(history);
        benchmark.open();
        long retained = benchmark.retainedBytes();
        benchmark.read();
        System.out.println(benchmark.markdown(retained));

        assertThat(history.group().status().history().checkpoints()).isGreaterThan(INTERVALS);
        assertThat(retained / MEBIBYTE).as("MiB kept by a view").isLessThan(64);
        assertThat(benchmark.openings())
                .allSatisfy(opening -> {
                    assertThat(opening.millis()).isLessThan(limitMillis(opening));
                    assertThat(opening.allocatedBytes() / MEBIBYTE).isLessThan(64);
                });
        assertThat(benchmark.readings())
                .filteredOn(reading -> reading.ofView() && reading.place() == Place.HOST)
                .hasSize(6)
                .allSatisfy(reading ->
                        assertThat(reading.toGold())
                                .as("%s, %s", reading.reader(), reading.pattern())
                                .isLessThan(LIMIT_FOR_HOSTS * headroom(reading)));
    }

    private static double headroom(Reading reading) {
        return switch (reading.pattern()) {
            case RANDOM_4K -> HEADROOM;
            case SEQUENTIAL_64K -> HEADROOM_SEQUENTIAL;
        };
    }

    private static double limitMillis(Opening opening) {
        return opening.views() == 1 ? 300 : 2000;
    }

    @Test
    void every_block_is_as_it_was() throws Exception {
        Random random = new Random(12);
        int blocks = Math.toIntExact(SHAPE.volumeBytes() / SHAPE.blockBytes());
        for (LongHistory.Snapshot snapshot : history.snapshots()) {
            try (PointInTimeView view =
                    history.group().openView(snapshot.point()).get(1, TimeUnit.MINUTES)) {
                BlockDevice device = view.device(SHAPE.volume());
                for (int i = 0; i < 2000; i++) {
                    int block = random.nextInt(blocks);
                    assertThat(stamp(device, block))
                            .as("block %d at interval %d", block, snapshot.interval())
                            .isEqualTo(history.expected(snapshot, block));
                }
                device.close();
            }
        }
    }

    private static long stamp(BlockDevice device, int block) {
        Outcome outcome = new Outcome();
        device.read((long) block * SHAPE.blockBytes(), Long.BYTES, outcome);
        device.submit();
        return ByteBuffer.wrap(outcome.await().expectBytes()).order(ByteOrder.BIG_ENDIAN).getLong();
    }
}
