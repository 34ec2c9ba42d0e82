package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.RecordKind;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class TapTest {
    private static final int WRITE_BYTES = 64 << 10;
    private static final int DISK_BYTES = 4 << 20;
    private static final int BATCH_BYTES = 1 << 20;

    private final Rig rig = new Rig(5);
    private BlockDevice disk;

    @BeforeEach
    void start() throws ReplicaException {
        rig.options =
                rig.options.withHistory(Duration.ofSeconds(3), 1L << 40, Duration.ofMillis(500));
        rig.create();
        disk = rig.group().openVolume(rig.addVolume("disk", DISK_BYTES).id());
    }

    private byte[] write(int index) {
        byte[] content = rig.bytes(WRITE_BYTES);
        rig.write(disk, (long) index * WRITE_BYTES % DISK_BYTES, content, true);
        return content;
    }

    private static List<TappedRecord> all(Tap tap) throws ReplicaException {
        List<TappedRecord> records = new ArrayList<>();
        for (TappedBatch batch = tap.next(BATCH_BYTES);
                batch != null;
                batch = tap.next(BATCH_BYTES)) {
            assertThat(batch.gap()).isNull();
            records.addAll(batch.records());
            tap.gave(batch);
        }
        return records;
    }

    private CopyCounters tapped() {
        return rig.group().counters().tapped();
    }

    @Test
    void a_tap_gives_out_each_record_after_its_opening_in_order() throws Exception {
        write(0);
        try (Tap tap = rig.group().tap(Long.MAX_VALUE, true)) {
            long before = rig.group().status().headSequence();
            List<byte[]> written = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                written.add(write(i));
            }
            rig.zero(disk, 0, 4096);
            rig.flush(disk);
            List<TappedRecord> records = all(tap);
            for (int i = 0; i < records.size(); i++) {
                assertThat(records.get(i).sequence()).isEqualTo(before + 1 + i);
            }
            List<TappedRecord> writes =
                    records.stream().filter(one -> one.kind() == RecordKind.WRITE).toList();
            assertThat(writes).hasSize(40);
            for (int i = 0; i < 40; i++) {
                assertThat(writes.get(i).payload()).isEqualTo(ByteBuffer.wrap(written.get(i)));
            }
            assertThat(tapped()).isEqualTo(new CopyCounters(41, 40L * WRITE_BYTES + 4096, 0));
        }
        assertThat(rig.group().counters().journaled().records()).isEqualTo(42);
    }

    @Test
    void what_is_not_durable_is_not_given_out() throws Exception {
        try (Tap tap = rig.group().tap(Long.MAX_VALUE, false)) {
            rig.write(disk, 0, rig.bytes(4096));
            long durable = rig.group().status().durableSequence();
            assertThat(all(tap)).allMatch(one -> one.sequence() <= durable);
            rig.flush(disk);
            assertThat(all(tap)).anyMatch(TappedRecord::counts);
        }
    }

    @Test
    void one_that_is_too_far_behind_is_told_exactly_what_it_missed() throws Exception {
        try (Tap tap = rig.group().tap(BATCH_BYTES, false)) {
            checkGap(tap, 40);
        }
    }

    @Test
    void redo_goes_although_a_tap_needs_it_and_it_is_told_so() throws Exception {
        try (Tap tap = rig.group().tap(Long.MAX_VALUE, false)) {
            for (int i = 0; i < 100; i++) {
                write(i);
                rig.scheduler.runFor(TimeUnit.MILLISECONDS.toNanos(200));
            }
            checkGap(tap, 100);
        }
    }

    /** Writes if there were none, reads a gap, and goes on after it. */
    private void checkGap(Tap tap, int writes) throws ReplicaException {
        long already = rig.group().counters().journaled().records();
        for (long i = already; i < writes; i++) {
            write((int) i);
        }
        TappedBatch batch = Objects.requireNonNull(tap.next(BATCH_BYTES));
        TappedGap gap = Objects.requireNonNull(batch.gap());
        assertThat(batch.records()).isEmpty();
        assertThat(gap.first()).isEqualTo(tap.beginSequence() + 1);
        assertThat(gap.last()).isEqualTo(rig.group().status().headSequence());
        assertThat(gap.writes()).isEqualTo(writes);
        assertThat(gap.bytes()).isEqualTo((long) writes * WRITE_BYTES);
        assertThat(tapped()).isEqualTo(new CopyCounters(0, 0, writes));
        write(0);
        List<TappedRecord> after = all(tap);
        assertThat(after.getFirst().sequence()).isEqualTo(gap.last() + 1);
        assertThat(tapped().records()).isEqualTo(1);
    }

    @Test
    void several_taps_count_each_record_once() throws Exception {
        try (Tap one = rig.group().tap(Long.MAX_VALUE, false);
                Tap other = rig.group().tap(Long.MAX_VALUE, false)) {
            for (int i = 0; i < 10; i++) {
                write(i);
            }
            assertThat(all(one)).hasSameSizeAs(all(other));
            assertThat(tapped().records()).isEqualTo(10);
        }
    }
}
