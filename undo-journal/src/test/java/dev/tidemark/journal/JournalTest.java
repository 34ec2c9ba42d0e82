package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.storage.simulation.SimulatedDisk;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a journal does when nothing goes wrong. */
final class JournalTest {
    private static final UUID GROUP = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    private static final JournalOptions OPTIONS = JournalOptions.DEFAULT.withUnitBytes(1 << 20);

    private final Random random = new Random(1);
    private final SimulatedDisk disk = new SimulatedDisk(1);
    private final SimulatedScheduler scheduler = new SimulatedScheduler(1);
    private final SegmentPool pool = new SegmentPool(Long.MAX_VALUE);
    private final IndexCache cache = new IndexCache(1 << 20);
    private Journal journal;

    @BeforeEach
    void create() throws Exception {
        journal =
                Journal.create(
                        OPTIONS, GROUP, disk.root(), scheduler, pool, cache, JournalListener.NONE);
        journal.start();
    }

    private void reopen() throws Exception {
        journal.close();
        scheduler.runUntilIdle();
        journal = Journal.open(OPTIONS, disk.root(), scheduler, pool, cache, JournalListener.NONE);
    }

    private TestRecord append(TestRecord record) {
        journal.redo().stage(record);
        journal.redo().submit();
        scheduler.runUntilIdle();
        assertThat(record.failedWith).isNull();
        assertThat(record.endedCalls).isEqualTo(1);
        return record;
    }

    private TestRecord write(long offsetBytes, ByteBuf payload) {
        return append(TestRecord.write(1, offsetBytes, payload, false));
    }

    private Boundary fold(TestRecord last) throws Exception {
        Boundary to =
                new Boundary(
                        journal.goldBoundary().run() + 1,
                        last.sequence(),
                        last.timeMicros(),
                        last.end(),
                        null);
        UndoRunBuilder builder = journal.beginRun(to);
        builder.addZero(1, 0, 4096);
        builder.commit();
        assertThat(journal.pendingRun()).isNotNull();
        journal.goldAt(journal.pendingRun());
        scheduler.runUntilIdle();
        return journal.goldBoundary();
    }

    @Test
    void recordsGetDenseSequenceNumbersAndTheirBytesBack() throws Exception {
        ByteBuf payload = TestRecord.bytes(random, 5000);
        TestRecord first = write(8192, payload);
        TestRecord second = append(TestRecord.zero(1, 0, 100));
        assertThat(first.sequence()).isEqualTo(1);
        assertThat(second.sequence()).isEqualTo(2);
        ByteBuffer target = ByteBuffer.allocate(1000);
        assertThat(
                        journal.redo()
                                .read(
                                        first.segment(),
                                        first.position(),
                                        1,
                                        8192,
                                        8192 + 700,
                                        target,
                                        false))
                .isTrue();
        assertThat(target.flip()).isEqualTo(payload.nioBuffer(700, 1000));
    }

    @Test
    void everythingIsThereAfterAReopen() throws Exception {
        ByteBuf payload = TestRecord.bytes(random, 40_000);
        TestRecord first = write(0, payload);
        TestRecord mark = append(TestRecord.checkpoint("before", "the upgrade"));
        Boundary folded = fold(mark);
        TestRecord unfolded = write(4096, TestRecord.bytes(random, 100));
        append(TestRecord.checkpoint("after", ""));
        journal.putAttribute("volume/1", new byte[] {1, 2, 3}, false);
        append(TestRecord.promote());

        reopen();

        assertThat(journal.group()).isEqualTo(GROUP);
        assertThat(journal.goldBoundary()).isEqualTo(folded);
        assertThat(folded.checkpoint()).extracting(Checkpoint::name).isEqualTo("before");
        assertThat(journal.pendingRun()).isNull();
        assertThat(journal.epoch()).isEqualTo(2);
        assertThat(journal.attributes()).containsOnlyKeys("volume/1");
        assertThat(journal.redo().lastSequence()).isEqualTo(5);
        assertThat(journal.checkpoints(0, Long.MAX_VALUE, 10, true))
                .extracting(Checkpoint::name)
                .containsExactly("after", "before");
        ByteBuffer target = ByteBuffer.allocate(40_000);
        journal.redo().read(first.segment(), first.position(), 1, 0, 0, target, false);
        assertThat(target.flip()).isEqualTo(payload.nioBuffer());
        assertThat(journal.resolve(new PointSpec.AtCheckpoint("before")).sequence())
                .isEqualTo(mark.sequence());
        Point point = journal.resolve(new PointSpec.AtSequence(unfolded.sequence()));
        assertThat(point.base()).isEqualTo(folded);
        assertThat(point.timeMicros()).isEqualTo(unfolded.timeMicros());
    }

    @Test
    void aTimeBetweenTwoWritesIsTheEarlierOne() throws Exception {
        TestRecord first = write(0, TestRecord.bytes(random, 10));
        scheduler.runFor(2_000_000);
        TestRecord second = write(0, TestRecord.bytes(random, 10));
        assertThat(journal.resolve(new PointSpec.AtTime(second.timeMicros() - 1)).sequence())
                .isEqualTo(first.sequence());
        assertThat(journal.resolve(new PointSpec.AtTime(second.timeMicros())).sequence())
                .isEqualTo(second.sequence());
        assertThatThrownBy(() ->
                        journal.resolve(
                                new PointSpec.AtTime(scheduler.wallClockMicros() + 1_000_000)))
                .isInstanceOf(PointException.class)
                .hasMessageContaining("is in the future");
        assertThatThrownBy(() -> journal.resolve(new PointSpec.AtSequence(99)))
                .isInstanceOf(PointException.class)
                .hasMessageContaining("99 is after the newest, 2");
        assertThatThrownBy(() -> journal.resolve(new PointSpec.AtCheckpoint("x")))
                .isInstanceOf(PointException.class)
                .hasMessageContaining("\"x\"");
    }

    @Test
    void theLogGoesOnInTheNextSegmentWhenOneIsFull() throws Exception {
        for (int i = 0; i < 40; i++) {
            write(i * 100_000L, TestRecord.bytes(random, 100_000));
        }
        assertThat(journal.redo().store().segments()).hasSizeGreaterThan(4);
        int seen = 0;
        try (RecordCursor cursor = journal.redo().cursor(journal.redo().begin())) {
            while (cursor.next()) {
                assertThat(cursor.offsetBytes()).isEqualTo(seen * 100_000L);
                seen++;
            }
        }
        assertThat(seen).isEqualTo(40);
        reopen();
        assertThat(journal.redo().lastSequence()).isEqualTo(40);
        assertThat(write(0, TestRecord.bytes(random, 1)).sequence()).isEqualTo(41);
    }
}
