package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageFile;
import dev.tidemark.storage.simulation.FaultPlan;
import dev.tidemark.storage.simulation.SimulatedDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class RecordLogTest {
    private static final RecordLogOptions OPTIONS =
            new RecordLogOptions(SegmentKind.REDO, 1 << 20, true, 64 << 10, 16);

    private final Random random = new Random(7);
    private final SimulatedDisk disk = new SimulatedDisk(7);
    private final SimulatedScheduler scheduler = new SimulatedScheduler(7);
    private final List<String> operations = new ArrayList<>();
    private final StorageDirectory root = disk.root();
    private RecordLog log;

    @BeforeEach
    void create() throws Exception {
        log = createIn(root, new SegmentPool(Long.MAX_VALUE));
        scheduler.runUntilIdle();
    }

    private RecordLog createIn(StorageDirectory directory, SegmentPool pool) throws Exception {
        return RecordLog.create(
                OPTIONS, LogWorld.OWNER, directory, scheduler, pool, JournalListener.NONE);
    }

    private RecordLog open(UUID owner) throws Exception {
        return RecordLog.open(
                OPTIONS,
                owner,
                root,
                scheduler,
                new SegmentPool(Long.MAX_VALUE),
                JournalListener.NONE);
    }

    private static final class Flush implements Completion {
        boolean done;
        @Nullable BlockDeviceException failure;

        @Override
        public void succeeded() {
            done = true;
        }

        @Override
        public void failed(BlockDeviceException cause) {
            failure = cause;
        }
    }

    private TestRecord stage(int length, boolean force) {
        TestRecord record = TestRecord.write(1, 0, TestRecord.bytes(random, length), force);
        log.stage(record);
        return record;
    }

    /** Counts what reaches the disk from here on; nothing fails. */
    private void watch() {
        disk.faults((operation, path) -> {
            operations.add(operation + " " + path);
            return false;
        });
    }

    private long count(FaultPlan.Operation operation) {
        return operations.stream().filter(o -> o.startsWith(operation + " ")).count();
    }

    @Test
    void aBatchIsOneGatheredWrite() {
        watch();
        for (int i = 0; i < 8; i++) {
            stage(i % 2 == 0 ? 100 : 9000, false);
        }
        log.submit();
        assertThat(count(FaultPlan.Operation.WRITE)).isEqualTo(1);
        assertThat(log.lastSequence()).isEqualTo(8);
    }

    @Test
    void oneForceServesEveryoneWhoseRecordsWereWrittenBeforeItBegan() {
        List<TestRecord> records = new ArrayList<>();
        List<Flush> flushes = new ArrayList<>();
        watch();
        for (int i = 0; i < 10; i++) {
            records.add(stage(100, true));
            log.submit();
            Flush flush = new Flush();
            log.force(flush);
            flushes.add(flush);
        }
        scheduler.runUntilIdle();
        assertThat(records).allMatch(TestRecord::succeeded);
        assertThat(flushes).allMatch(flush -> flush.done);
        assertThat(count(FaultPlan.Operation.FORCE)).isEqualTo(1);
        assertThat(log.durableSequence()).isEqualTo(10);
    }

    @Test
    void aFlushWithNothingToForceCompletesAtOnce() {
        stage(100, true);
        log.submit();
        scheduler.runUntilIdle();
        watch();
        Flush flush = new Flush();
        log.force(flush);
        assertThat(flush.done).isTrue();
        assertThat(operations).isEmpty();
    }

    @Test
    void aRecordThatAsksForItWaitsForTheForceAndOthersDoNot() {
        TestRecord quick = stage(10, false);
        TestRecord safe = stage(10, true);
        log.submit();
        assertThat(quick.endedCalls).isEqualTo(1);
        assertThat(safe.appendedCalls).isEqualTo(1);
        assertThat(safe.endedCalls).isZero();
        scheduler.runUntilIdle();
        assertThat(safe.succeeded()).isTrue();
    }

    @Test
    void aVetoedRecordEndsWellAndTakesNoSequenceNumber() {
        TestRecord vetoed = TestRecord.zero(1, 0, 10);
        vetoed.veto = true;
        log.stage(vetoed);
        TestRecord kept = stage(10, false);
        log.submit();
        assertThat(vetoed.succeeded()).isTrue();
        assertThat(vetoed.appendedCalls).isZero();
        assertThat(kept.sequence()).isEqualTo(1);
    }

    @Test
    void aFailedWriteFailsItsBatchAndTheLogGoesOn() throws Exception {
        stage(10, false);
        log.submit();
        disk.faults((operation, path) -> operation == FaultPlan.Operation.WRITE);
        TestRecord lost = stage(10, false);
        log.submit();
        assertThat(lost.failedWith).extracting(BlockDeviceException::code).isEqualTo(ErrorCode.IO);
        assertThat(lost.appendedCalls).isZero();
        disk.faults(FaultPlan.NONE);
        TestRecord waits = stage(10, false);
        log.submit();
        assertThat(waits.endedCalls).isZero();
        scheduler.runUntilIdle();
        assertThat(waits.succeeded()).isTrue();
        assertThat(waits.sequence()).isEqualTo(2);
        assertThat(waits.segment()).isGreaterThan(lost.segment());
    }

    @Test
    void aFailedForceIsFinal() throws Exception {
        List<Throwable> causes = new ArrayList<>();
        log.close();
        disk.root().deleteDirectory("other");
        JournalListener listener =
                new JournalListener() {
                    @Override
                    public void failed(Throwable cause) {
                        causes.add(cause);
                    }
                };
        log =
                RecordLog.create(
                        OPTIONS,
                        LogWorld.OWNER,
                        root.directory("other"),
                        scheduler,
                        new SegmentPool(Long.MAX_VALUE),
                        listener);
        scheduler.runUntilIdle();
        TestRecord safe = stage(10, true);
        log.submit();
        Flush flush = new Flush();
        log.force(flush);
        disk.faults((operation, path) -> operation == FaultPlan.Operation.FORCE);
        scheduler.runUntilIdle();
        disk.faults(FaultPlan.NONE);
        assertThat(safe.failedWith)
                .extracting(BlockDeviceException::code)
                .isEqualTo(ErrorCode.DEVICE_FAILED);
        assertThat(flush.failure)
                .extracting(BlockDeviceException::code)
                .isEqualTo(ErrorCode.DEVICE_FAILED);
        assertThat(causes).hasSize(1);
        TestRecord later = stage(10, false);
        assertThat(later.failedWith)
                .extracting(BlockDeviceException::code)
                .isEqualTo(ErrorCode.DEVICE_FAILED);
        assertThat(log.failed()).isTrue();
        ByteBuffer target = ByteBuffer.allocate(10);
        assertThat(log.read(safe.segment(), safe.position(), 1, 0, 0, target, false)).isTrue();
        assertThatThrownBy(() -> log.forceNow(log.lastSequence()))
                .isInstanceOf(JournalException.class);
    }

    @Test
    void whatAFailedForceLeftInTheCacheIsWrittenAgainByTheNextStart() throws Exception {
        for (long seed = 1; seed <= 30; seed++) {
            Random fate = new Random(seed);
            SimulatedDisk own = new SimulatedDisk(seed);
            log = createIn(own.root(), new SegmentPool(Long.MAX_VALUE));
            scheduler.runUntilIdle();
            int count = 1 + fate.nextInt(60);
            for (int i = 0; i < count; i++) {
                stage(1 + fate.nextInt(50_000), false);
                log.submit();
                scheduler.runUntilIdle();
            }
            own.faults((operation, path) -> operation == FaultPlan.Operation.FORCE);
            log.force(new Flush());
            scheduler.runUntilIdle();
            assertThat(log.failed()).isTrue();
            own.faults(FaultPlan.NONE);

            log = openIn(own.kill());
            assertThat(log.lastSequence()).as("seed %d", seed).isEqualTo(count);
            scheduler.discardAll();
            log = openIn(own.crash(fate));
            assertThat(log.lastSequence()).as("seed %d", seed).isEqualTo(count);
        }
    }

    private RecordLog openIn(StorageDirectory directory) throws Exception {
        return RecordLog.open(
                OPTIONS,
                LogWorld.OWNER,
                directory,
                scheduler,
                new SegmentPool(Long.MAX_VALUE),
                JournalListener.NONE);
    }

    @Test
    void aFullPoolFailsWritesWithNoSpaceAndLaterOnesSucceed() throws Exception {
        SegmentPool pool = new SegmentPool(4 << 20);
        log = createIn(root.directory("small"), pool);
        scheduler.runUntilIdle();
        List<TestRecord> records = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            records.add(stage(60_000, false));
            log.submit();
            scheduler.runUntilIdle();
        }
        assertThat(records.getLast().endedCalls).as("waits for room a while").isZero();
        scheduler.runFor(TimeUnit.SECONDS.toNanos(11));
        assertThat(records).allMatch(record -> record.endedCalls == 1);
        assertThat(records.getFirst().succeeded()).isTrue();
        assertThat(records.getLast().failedWith)
                .extracting(BlockDeviceException::code)
                .isEqualTo(ErrorCode.NO_SPACE);
        assertThat(pool.usedBytes()).isEqualTo(2 << 20);
        log.store().retire(log.store().segments().getFirst());
        log.roomMade();
        TestRecord again = stage(60_000, false);
        log.submit();
        scheduler.runUntilIdle();
        assertThat(again.succeeded()).isTrue();
    }

    /** Writes until the pool is full; returns the record that waits. */
    private TestRecord fill() {
        TestRecord last = stage(60_000, false);
        log.submit();
        scheduler.runUntilIdle();
        while (last.endedCalls == 1) {
            last = stage(60_000, false);
            log.submit();
            scheduler.runUntilIdle();
        }
        return last;
    }

    @Test
    void aWriteThatFindsThePoolFullGoesOnAtOnceWhenRoomIsMade() throws Exception {
        log = createIn(root.directory("small"), new SegmentPool(4 << 20));
        scheduler.runUntilIdle();
        TestRecord last = fill();
        scheduler.runFor(TimeUnit.SECONDS.toNanos(5));
        assertThat(last.endedCalls).isZero();
        log.store().retire(log.store().segments().getFirst());
        log.roomMade();
        scheduler.runUntilIdle();
        assertThat(last.succeeded()).isTrue();
    }

    @Test
    void roomMadeWhileASegmentIsBeingRefusedIsNotMissed() throws Exception {
        disk.budgetBytes(4 << 20);
        disk.faults((operation, path) -> {
            // The attempt has found no room and cleans up; nobody has been told yet.
            if (operation == FaultPlan.Operation.DELETE) {
                disk.budgetBytes(Long.MAX_VALUE);
                log.roomMade();
            }
            return false;
        });
        for (int i = 0; i < 100; i++) {
            TestRecord last = stage(60_000, false);
            log.submit();
            scheduler.runUntilIdle();
            assertThat(last.succeeded()).isTrue();
        }
    }

    @Test
    void aFullDiskIsAskedOnceMoreWhenPatienceEnds() throws Exception {
        disk.budgetBytes(4 << 20);
        watch();
        TestRecord last = fill();
        long asked = count(FaultPlan.Operation.PREALLOCATE);
        scheduler.runFor(SegmentSupply.PATIENCE_NANOS - 1);
        assertThat(count(FaultPlan.Operation.PREALLOCATE)).isEqualTo(asked);
        assertThat(last.endedCalls).isZero();
        scheduler.runFor(1);
        scheduler.runUntilIdle();
        assertThat(count(FaultPlan.Operation.PREALLOCATE)).isEqualTo(asked + 1);
        assertThat(last.failedWith)
                .extracting(BlockDeviceException::code)
                .isEqualTo(ErrorCode.NO_SPACE);
    }

    @Test
    void aClosedLogRefusesRecords() throws Exception {
        log.close();
        log.close();
        TestRecord late = stage(10, false);
        assertThat(late.failedWith)
                .extracting(BlockDeviceException::code)
                .isEqualTo(ErrorCode.SHUTDOWN);
    }

    @Test
    void payloadsOfEverySizeReadBackWholeAndInParts() throws Exception {
        for (int length : new int[] {1, 7, 8, 4096, 8191, 8192, 16384, 16385, 40_000, 700_000}) {
            TestRecord record = stage(length, false);
            log.submit();
            scheduler.runUntilIdle();
            for (int from : new int[] {0, length / 3, length - 1}) {
                ByteBuffer target = ByteBuffer.allocateDirect(length - from);
                log.read(record.segment(), record.position(), 1, 0, from, target, false);
                assertThat(target.flip())
                        .isEqualTo(
                                Objects.requireNonNull(record.payload())
                                        .nioBuffer(from, length - from));
            }
        }
    }

    private StorageFile segmentFile(String name) throws Exception {
        return root.open(name);
    }

    private void flip(String name, long position) throws Exception {
        try (StorageFile file = segmentFile(name)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            file.read(position, one);
            one.put(0, (byte) (one.get(0) ^ 1));
            file.write(position, one.flip());
            file.force();
        }
    }

    @Test
    void aDamagedPayloadIsNeverServed() throws Exception {
        TestRecord record = stage(40_000, false);
        log.submit();
        flip("redo-0000000000000001", record.position() + 20_000);
        ByteBuffer target = ByteBuffer.allocate(40_000);
        assertThatThrownBy(
                        () -> log.read(record.segment(), record.position(), 1, 0, 0, target, false))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("does not match the checksum of chunk 1 of record 1");
        assertThat(target.position()).isZero();
        ByteBuffer whole = ByteBuffer.allocate(100);
        assertThat(log.read(record.segment(), record.position(), 1, 0, 100, whole, false)).isTrue();
    }

    @Test
    void damageToWhatWasForcedIsRefusedAndToATornTailIsNot() throws Exception {
        TestRecord first = stage(100, true);
        log.submit();
        scheduler.runUntilIdle();
        TestRecord second = stage(100, false);
        log.submit();
        log.close();
        flip("redo-0000000000000001", second.position() + 90);
        log = open(LogWorld.OWNER);
        assertThat(log.lastSequence()).isEqualTo(1);
        stage(100, false);
        log.submit();
        log.close();
        flip("redo-0000000000000001", first.position() + 90);
        assertThatThrownBy(() -> open(LogWorld.OWNER))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("redo-0000000000000001 at position 4096: record 1 is damaged")
                .hasMessageContaining("proves that it had been forced")
                .hasMessageContaining("nothing was changed");
    }

    @Test
    void foreignAndMissingFilesAreNamed() throws Exception {
        stage(10, true);
        log.submit();
        log.close();
        assertThatThrownBy(() -> open(new UUID(1, 2)))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("belongs to " + LogWorld.OWNER);
        root.rename("redo-0000000000000001", "redo-00000000000000ff");
        assertThatThrownBy(() -> open(LogWorld.OWNER))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("says it is segment 1")
                .hasMessageContaining("its name says 255");
        root.delete("redo-00000000000000ff");
        assertThatThrownBy(() -> open(LogWorld.OWNER))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("lacks the segment that holds record 1");
    }

    @Test
    void aDamagedHeaderOfASegmentWithRecordsIsRefused() throws Exception {
        stage(10, true);
        log.submit();
        log.close();
        flip("redo-0000000000000001", SegmentHeader.NUMBER_AT);
        assertThatThrownBy(() -> open(LogWorld.OWNER))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("header that does not match its checksum");
    }
}
