package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What goes when, and what never goes. */
final class RetentionTest {
    private static final long SECOND_MICROS = 1_000_000;

    private final JournalWorld world = new JournalWorld(11);

    private void options(long windowSeconds, long bytes, long fineSeconds) {
        world.options =
                new JournalOptions(
                        1 << 20, windowSeconds * SECOND_MICROS, bytes, fineSeconds * SECOND_MICROS);
    }

    /** Appends and folds about a unit of redo and half a unit of undo. */
    private void minute() throws Exception {
        for (int i = 0; i < 10; i++) {
            for (int j = 0; j < 8; j++) {
                world.write(30_000, false);
                world.scheduler.runUntilIdle();
            }
            world.fold();
            world.scheduler.runFor(TimeUnit.SECONDS.toNanos(6));
        }
        world.scheduler.runUntilIdle();
    }

    private void minutes(int count) throws Exception {
        for (int i = 0; i < count; i++) {
            minute();
        }
    }

    private HistoryStatus history() {
        return world.journal().history();
    }

    @Test
    void redoOlderThanTheFineWindowGoesAndItsCheckpointsStay() throws Exception {
        options(100_000, Long.MAX_VALUE, 90);
        world.create();
        TestRecord mark = world.checkpoint("early");
        minutes(8);
        assertThat(history().redoSegments()).isLessThan(7);
        assertThat(history().tail().run()).isZero();
        assertThat(history().fineTailSequence()).isGreaterThan(mark.sequence() + 10);
        world.verifyPoint(mark.sequence());
        world.verifyPoint(history().fineTailSequence());
        world.verifyPoint(history().fineTailSequence() + 1);
        assertThatThrownBy(() -> world.verifyPoint(mark.sequence() + 3))
                .isInstanceOf(PointException.class)
                .hasMessageContaining("single writes of that time are not kept any more")
                .hasMessageContaining("the nearest are");
    }

    @Test
    void historyOlderThanItsWindowGoesInWholeUnits() throws Exception {
        options(240, Long.MAX_VALUE, 60);
        world.create();
        minutes(14);
        HistoryStatus history = history();
        assertThat(history.tail().run()).isPositive();
        assertThat(world.drops)
                .isNotEmpty()
                .allMatch(reason -> reason == JournalListener.DropReason.WINDOW);
        assertThat(history.tail().timeMicros())
                .isLessThanOrEqualTo(world.scheduler.wallClockMicros() - 240 * SECOND_MICROS);
        world.verifyPoint(history.tail().sequence());
        assertThatThrownBy(() -> world.verifyPoint(history.tail().sequence() - 1))
                .isInstanceOf(PointException.class)
                .hasMessageContaining("is before the oldest point kept");
        assertThat(world.pool.usedBytes()).isEqualTo(history.redoBytes() + history.undoBytes());
        world.journal().close();
        world.open();
        assertThat(history().tail()).isEqualTo(history.tail());
        world.verifyPoint(history.tail().sequence());
    }

    @Test
    void theByteBudgetDropsTheOldestHistory() throws Exception {
        options(100_000, 10 << 20, 30);
        world.create();
        minutes(14);
        assertThat(world.drops)
                .isNotEmpty()
                .allMatch(reason -> reason == JournalListener.DropReason.BUDGET);
        assertThat(history().redoBytes() + history().undoBytes()).isLessThanOrEqualTo(11 << 20);
        world.verifyPoint(history().tail().sequence());
    }

    @Test
    void whatAPinNeedsStaysAndTheRestGoes() throws Exception {
        options(120, Long.MAX_VALUE, 60);
        world.create();
        minutes(1);
        long pinned = world.journal().goldBoundary().sequence() - 3;
        Pin pin = world.journal().pin(world.journal().resolve(new PointSpec.AtSequence(pinned)));
        assertThat(pin.point().base().sequence()).isLessThan(pinned);
        minutes(10);
        assertThat(world.view(pin.point())).isEqualTo(world.history.get(Math.toIntExact(pinned)));
        assertThat(history().redoSegments()).isLessThan(7);
        assertThat(history().fineTailSequence()).isGreaterThan(pinned);
        world.journal().close();
        world.open();
        pin = world.journal().pin(world.journal().resolve(new PointSpec.AtSequence(pinned)));
        world.journal().start();
        minutes(2);
        assertThat(world.view(pin.point())).isEqualTo(world.history.get(Math.toIntExact(pinned)));
        long before = world.pool.usedBytes();
        pin.close();
        minutes(2);
        assertThat(world.pool.usedBytes()).isLessThan(before);
        assertThatThrownBy(() -> world.verifyPoint(pinned)).isInstanceOf(PointException.class);
    }

    @Test
    void aFullPoolTakesFoldedRedoFirstThenTheOldestHistoryAndWritesGoOn() throws Exception {
        options(100_000, Long.MAX_VALUE, 100_000);
        world.pool = new SegmentPool(12 << 20);
        world.create();
        int minutes = 0;
        while (world.alerts.isEmpty()) {
            minute();
            assertThat(++minutes).isLessThan(30);
        }
        assertThat(world.drops).isEmpty();
        long fineTail = history().fineTailSequence();
        assertThat(fineTail).isPositive();
        while (world.drops.isEmpty()) {
            minute();
            assertThat(++minutes).isLessThan(60);
        }
        assertThat(world.drops).contains(JournalListener.DropReason.POOL_FULL);
        TestRecord last = world.write(1000, true);
        world.scheduler.runUntilIdle();
        assertThat(last.succeeded()).isTrue();
        assertThat(world.pool.usedBytes()).isLessThanOrEqualTo(12 << 20);
        world.verifyPoint(history().tail().sequence());
    }

    /** Writes until the pool is full of redo; returns the record that waits. */
    private TestRecord fill() {
        TestRecord last = world.write(30_000, false);
        world.scheduler.runUntilIdle();
        while (last.endedCalls == 1) {
            last = world.write(30_000, false);
            world.scheduler.runUntilIdle();
        }
        return last;
    }

    @Test
    void aWriteThatWaitsForRoomGoesOnAsSoonAsAFoldMakesIt() throws Exception {
        options(100_000, Long.MAX_VALUE, 100_000);
        world.pool = new SegmentPool(8 << 20);
        world.create();
        for (int i = 0; i < 10; i++) {
            world.write(30_000, false);
            world.checkpoint("");
        }
        TestRecord last = fill();
        long before = world.scheduler.nanoTime();
        for (int i = 0; i < 20 && last.endedCalls == 0; i++) {
            world.fold();
            world.scheduler.runUntilIdle();
        }
        assertThat(last.succeeded()).isTrue();
        assertThat(world.scheduler.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(1));
    }

    @Test
    void aWriteThatWaitsForRoomGoesOnAsSoonAsAPinGoes() throws Exception {
        options(100_000, Long.MAX_VALUE, 100_000);
        world.pool = new SegmentPool(8 << 20);
        world.create();
        world.write(100, false);
        world.fold();
        world.write(100, false);
        Pin pin = world.journal().pin(world.journal().resolve(new PointSpec.Latest()));
        for (int i = 0; i < 120; i++) {
            world.write(30_000, false);
            world.scheduler.runUntilIdle();
        }
        world.fold();
        TestRecord last = fill();
        assertThat(last.endedCalls).isZero();
        pin.close();
        world.scheduler.runUntilIdle();
        assertThat(last.succeeded()).isTrue();
    }

    /** Another group of the same pool, with a fine window that keeps everything. */
    private JournalWorld neighbour() throws Exception {
        JournalWorld other = new JournalWorld(12);
        other.options = world.options;
        other.pool = world.pool;
        other.create();
        return other;
    }

    private static void fold(JournalWorld of, int writes) throws Exception {
        for (int i = 0; i < writes; i++) {
            of.write(30_000, false);
            of.scheduler.runUntilIdle();
        }
        of.fold();
        of.scheduler.runUntilIdle();
    }

    @Test
    void aGroupThatNeedsRoomIsGivenTheFoldedRedoOfAnother() throws Exception {
        options(100_000, Long.MAX_VALUE, 100_000);
        world.pool = new SegmentPool(14 << 20);
        world.create();
        JournalWorld other = neighbour();
        fold(other, 200);
        int kept = other.journal().history().redoSegments();
        assertThat(kept).isGreaterThan(2);
        while (other.alerts.isEmpty()) {
            TestRecord record = world.write(30_000, false);
            world.scheduler.runUntilIdle();
            assertThat(record.succeeded()).isTrue();
        }
        assertThat(world.alerts).as("it had nothing to give").isEmpty();
        assertThat(other.alerts.getFirst()).contains("folded redo");
        assertThat(other.journal().history().redoSegments()).isLessThan(kept);
        assertThat(other.drops).isEmpty();
        assertThat(world.pool.usedBytes()).isLessThanOrEqualTo(14 << 20);
        other.verifyPoint(other.journal().goldBoundary().sequence());
    }

    @Test
    void anothersHistoryGoesOnlyWhenNobodyHasFoldedRedoLeft() throws Exception {
        options(100_000, Long.MAX_VALUE, 100_000);
        world.pool = new SegmentPool(20 << 20);
        world.create();
        JournalWorld other = neighbour();
        for (int i = 0; i < 30; i++) {
            fold(other, 10);
        }
        assertThat(other.journal().history().undoSegments()).isGreaterThan(2);
        while (other.drops.isEmpty()) {
            TestRecord record = world.write(30_000, false);
            world.scheduler.runUntilIdle();
            assertThat(record.succeeded()).isTrue();
        }
        assertThat(other.drops).contains(JournalListener.DropReason.POOL_FULL);
        assertThat(other.journal().history().redoSegments())
                .as("the one written to and the one made ahead")
                .isLessThanOrEqualTo(2);
        other.verifyPoint(other.journal().history().tail().sequence());
    }

    @Test
    void aWriteThatWaitsForRoomGoesOnAsSoonAsAnotherGroupFolds() throws Exception {
        options(100_000, Long.MAX_VALUE, 100_000);
        world.pool = new SegmentPool(14 << 20);
        world.create();
        JournalWorld other = neighbour();
        for (int i = 0; i < 300; i++) {
            other.write(30_000, false);
            other.scheduler.runUntilIdle();
        }
        TestRecord last = fill();
        assertThat(last.endedCalls).isZero();
        other.fold();
        world.scheduler.runUntilIdle();
        assertThat(last.succeeded()).isTrue();
    }

    @Test
    void aPoolFullOfPinnedHistoryFailsWritesAtLast() throws Exception {
        options(100_000, Long.MAX_VALUE, 100_000);
        world.pool = new SegmentPool(12 << 20);
        world.create();
        world.write(100, false);
        Pin pin = world.journal().pin(world.journal().resolve(new PointSpec.Latest()));
        TestRecord last = world.write(100, false);
        for (int i = 0; i < 3000 && last.failedWith == null; i++) {
            last = world.write(30_000, false);
            world.scheduler.runUntilIdle();
            if (last.endedCalls == 0) {
                world.scheduler.runFor(TimeUnit.SECONDS.toNanos(11));
            }
        }
        assertThat(last.failedWith).isNotNull();
        assertThat(last.failedWith.getMessage()).contains("the pool has no unit");
        assertThat(world.view(pin.point())).isEqualTo(world.history.get(1));
        world.journal().close();
        world.open();
        world.journal().start();
        while (world.journal().goldBoundary().sequence() < world.journal().redo().lastSequence()) {
            world.fold();
        }
        world.scheduler.runUntilIdle();
        TestRecord again = world.write(30_000, true);
        world.scheduler.runUntilIdle();
        assertThat(again.succeeded()).isTrue();
    }

    @Test
    void aFoldedSegmentStaysUntilTheOneAfterItIsOnDisk() throws Exception {
        for (long seed = 0; seed < 20; seed++) {
            JournalWorld crashing = new JournalWorld(seed);
            crashing.options =
                    new JournalOptions(1 << 20, 100_000 * SECOND_MICROS, Long.MAX_VALUE, 0);
            crashing.create();
            long first = crashing.journal().redo().current().number();
            while (crashing.journal().redo().current().number() == first) {
                crashing.checkpoint("");
                crashing.scheduler.runUntilIdle();
                crashing.fold();
                crashing.write(30_000, false);
                crashing.scheduler.runUntilIdle();
            }
            crashing.scheduler.runFor(TimeUnit.SECONDS.toNanos(11));
            crashing.crash();
            crashing.open();
            assertThat(crashing.journal().redo().lastSequence())
                    .as("seed %d", seed)
                    .isGreaterThanOrEqualTo(crashing.journal().goldBoundary().sequence());
        }
    }

    @Test
    void aPoolPassingItsHighWaterMarkTellsOnce() {
        StringBuilder told = new StringBuilder();
        SegmentPool pool =
                new SegmentPool(
                        100, (used, budget) -> told.append(used).append('/').append(budget));
        assertThat(pool.tryAcquire(SegmentKind.UNDO, 80)).isTrue();
        assertThat(told).isEmpty();
        assertThat(pool.tryAcquire(SegmentKind.UNDO, 15)).isTrue();
        assertThat(pool.tryAcquire(SegmentKind.UNDO, 5)).isTrue();
        assertThat(pool.tryAcquire(SegmentKind.UNDO, 1)).isFalse();
        assertThat(told).hasToString("95/100");
    }
}
