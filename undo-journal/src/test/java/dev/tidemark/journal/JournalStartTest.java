package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.simulation.SimulatedDisk;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A journal that goes on from another's number, time and epoch, and keeps its records' times. */
final class JournalStartTest {
    private static final UUID GROUP = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    private static final JournalOptions OPTIONS = JournalOptions.DEFAULT.withUnitBytes(1 << 20);
    private static final long HOUR_MICROS = 3_600_000_000L;

    private final Random random = new Random(3);
    private final SimulatedDisk disk = new SimulatedDisk(3);
    private final SimulatedScheduler scheduler = new SimulatedScheduler(3);
    private final IndexCache cache = new IndexCache(1 << 20);
    private final long startMicros = scheduler.wallClockMicros() - HOUR_MICROS;
    private final JournalStart start = new JournalStart(5000, startMicros, (3 << 16) | 2);
    private StorageDirectory directory = disk.root();
    private Journal journal;

    @BeforeEach
    void create() throws Exception {
        journal =
                Journal.create(
                        OPTIONS,
                        GROUP,
                        start,
                        directory,
                        scheduler,
                        new SegmentPool(Long.MAX_VALUE),
                        cache,
                        JournalListener.NONE);
        scheduler.runUntilIdle();
    }

    private void open() throws Exception {
        journal =
                Journal.open(
                        OPTIONS,
                        directory,
                        scheduler,
                        new SegmentPool(Long.MAX_VALUE),
                        cache,
                        JournalListener.NONE);
    }

    private void crash() throws Exception {
        directory = disk.crash(random);
        scheduler.discardAll();
        open();
    }

    private TestRecord append(TestRecord record, long micros) {
        record.keepTime(micros);
        journal.redo().stage(record);
        journal.redo().submit();
        scheduler.runUntilIdle();
        assertThat(record.succeeded()).isTrue();
        return record;
    }

    private TestRecord write(int length, long micros) {
        return append(TestRecord.write(1, 0, TestRecord.bytes(random, length), true), micros);
    }

    private void assertAtStart() {
        assertThat(journal.redo().lastSequence()).isEqualTo(5000);
        assertThat(journal.redo().lastTimeMicros()).isEqualTo(startMicros);
        assertThat(journal.epoch()).isEqualTo((3 << 16) | 2);
        assertThat(journal.goldBoundary().sequence()).isEqualTo(5000);
        assertThat(journal.goldBoundary().timeMicros()).isEqualTo(startMicros);
    }

    @Test
    void theFirstRecordHasTheNextNumber() {
        assertAtStart();
        assertThat(write(100, startMicros + 7).sequence()).isEqualTo(5001);
    }

    @Test
    void aJournalThatHoldsNothingYetIsFoundAtItsStartAfterPowerLoss() throws Exception {
        crash();
        assertAtStart();
        assertThat(write(100, startMicros + 7).sequence()).isEqualTo(5001);
    }

    @Test
    void forcedRecordsAreFoundAgainAfterPowerLossWithTheTimesTheyCameWith() throws Exception {
        TestRecord first = write(100, startMicros + 7);
        write(100, startMicros + 9);
        crash();
        assertThat(journal.redo().lastSequence()).isEqualTo(5002);
        assertThat(journal.redo().lastTimeMicros()).isEqualTo(startMicros + 9);
        assertThat(journal.epoch()).isEqualTo((3 << 16) | 2);
        assertThat(journal.resolve(new PointSpec.AtTime(startMicros + 8)).sequence())
                .isEqualTo(first.sequence());
    }

    @Test
    void theStartIsAPointAndNothingBeforeItIs() throws Exception {
        write(100, startMicros + 7);
        assertThat(journal.resolve(new PointSpec.AtSequence(5000)).timeMicros())
                .isEqualTo(startMicros);
        assertThatThrownBy(() -> journal.resolve(new PointSpec.AtSequence(4999)))
                .isInstanceOf(PointException.class)
                .hasMessageContaining("4999");
        assertThatThrownBy(() -> journal.resolve(new PointSpec.AtTime(startMicros - 1)))
                .isInstanceOf(PointException.class);
    }

    @Test
    void aKeptTimeMayBeInThisClocksFutureAndNeverGoesBack() {
        long ahead = scheduler.wallClockMicros() + HOUR_MICROS;
        assertThat(write(100, ahead).timeMicros()).isEqualTo(ahead);
        assertThat(write(100, ahead - 5).timeMicros()).isEqualTo(ahead);
        assertThat(write(100, ahead + 1).timeMicros()).isEqualTo(ahead + 1);
    }

    @Test
    void aSegmentSaysTheTimeOfItsFirstRecordAndNotThatOfItsArrival() throws Exception {
        long micros = startMicros;
        for (int i = 0; i < 30; i++) {
            write(100_000, ++micros);
        }
        assertThat(journal.redo().store().segments()).hasSizeGreaterThan(2);
        try (RecordCursor cursor = journal.redo().cursor(journal.redo().begin())) {
            while (cursor.next()) {
                if (cursor.position() == SegmentHeader.RESERVED_BYTES && cursor.sequence() > 5001) {
                    assertThat(firstTime(cursor.segment())).isEqualTo(cursor.timeMicros());
                }
            }
        }
    }

    private long firstTime(long segment) {
        return Objects.requireNonNull(journal.redo().store().segment(segment))
                .header()
                .firstTimeMicros();
    }

    @Test
    void aPromotionTakesTheGivenEpochAndRecoveryFindsItAgain() throws Exception {
        TestRecord promote = TestRecord.promote();
        promote.beginEpoch((4 << 16) | 5);
        append(promote, startMicros + 7);
        assertThat(journal.epoch()).isEqualTo((4 << 16) | 5);
        write(10, startMicros + 8);
        crash();
        assertThat(journal.epoch()).isEqualTo((4 << 16) | 5);
        append(TestRecord.promote(), startMicros + 9);
        assertThat(journal.epoch()).isEqualTo((4 << 16) | 6);
    }

    @Test
    void anEpochThatDoesNotComeAfterIsRefused() {
        TestRecord promote = TestRecord.promote();
        promote.beginEpoch((3 << 16) | 2);
        journal.redo().stage(promote);
        journal.redo().submit();
        scheduler.runUntilIdle();
        assertThat(promote.failedWith).isNotNull();
        assertThat(journal.epoch()).isEqualTo((3 << 16) | 2);
        assertThat(journal.redo().lastSequence()).isEqualTo(5000);
    }

    @Test
    void aPromotionThatCouldNotBeWrittenLeavesTheEpochAsItWas() {
        disk.faults((operation, path) -> path.contains("redo-"));
        TestRecord promote = TestRecord.promote();
        promote.beginEpoch(9 << 16);
        journal.redo().stage(promote);
        journal.redo().submit();
        disk.faults((operation, path) -> false);
        scheduler.runUntilIdle();
        assertThat(promote.failedWith).isNotNull();
        assertThat(journal.epoch()).isEqualTo((3 << 16) | 2);
    }

    @Test
    void aFoldedJournalOpensAgain() throws Exception {
        journal.start();
        TestRecord last = write(100, startMicros + 7);
        Boundary to = new Boundary(1, last.sequence(), last.timeMicros(), last.end(), null);
        UndoRunBuilder run = journal.beginRun(to);
        run.addZero(1, 0, 4096);
        run.commit();
        journal.goldAt(to);
        journal.close();
        open();
        assertThat(journal.goldBoundary()).isEqualTo(to);
        assertThat(journal.oldestBoundary().sequence()).isEqualTo(5000);
        assertThat(journal.redo().lastSequence()).isEqualTo(5001);
    }

    @Test
    void aStartThatCannotBeIsRefused() {
        assertThatThrownBy(() -> new JournalStart(-1, 0, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new JournalStart(0, -1, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new JournalStart(0, 0, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
