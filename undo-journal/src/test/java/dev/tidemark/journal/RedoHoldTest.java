package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Redo that somebody is going to read stays until he has. */
final class RedoHoldTest {
    private static final long SECOND_MICROS = 1_000_000;

    private final JournalWorld world = new JournalWorld(12);
    private final List<Long> givenUp = new ArrayList<>();

    /** Short of fine window, long of history. */
    private void create(long poolBytes) throws Exception {
        world.options =
                new JournalOptions(
                        1 << 20, 100_000 * SECOND_MICROS, Long.MAX_VALUE, 30 * SECOND_MICROS);
        world.pool = new SegmentPool(poolBytes);
        world.create();
    }

    /** Appends and folds about a unit of redo. */
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

    private long begin() {
        return world.journal().redo().begin().sequence();
    }

    private RedoHold hold(long after) {
        return Objects.requireNonNull(world.journal().holdRedo(after, () -> givenUp.add(after)));
    }

    @Test
    void heldRedoOutlivesTheFineWindowAndGoesAsTheHoldAdvances() throws Exception {
        create(Long.MAX_VALUE);
        minute();
        long after = world.journal().redo().lastSequence();
        RedoHold hold = hold(after);
        minutes(6);
        assertThat(begin()).isLessThanOrEqualTo(after + 1);
        long read = world.journal().redo().lastSequence();
        hold.advance(read);
        hold.advance(after);
        minutes(3);
        assertThat(begin()).isGreaterThan(after + 1).isLessThanOrEqualTo(read + 1);
        hold.close();
        hold.close();
        minutes(3);
        assertThat(begin()).isGreaterThan(read + 1);
    }

    @Test
    void whatHasGoneOrIsNotThereYetCannotBeHeld() throws Exception {
        create(Long.MAX_VALUE);
        minutes(6);
        assertThat(begin()).isGreaterThan(10);
        assertThat(world.journal().holdRedo(begin() - 2, () -> {})).isNull();
        assertThat(world.journal().holdRedo(begin() - 1, () -> {})).isNotNull();
        long last = world.journal().redo().lastSequence();
        assertThat(world.journal().holdRedo(last, () -> {})).isNotNull();
        assertThat(world.journal().holdRedo(last + 1, () -> {})).isNull();
    }

    @Test
    void heldRedoIsGivenUpBeforeHistoryWhenItIsMuchOfAFullPool() throws Exception {
        create(24 << 20);
        hold(0);
        long tail = world.journal().oldestBoundary().sequence();
        TestRecord newest = writeUnits(5);
        assertThat(givenUp).as("not yet").isEmpty();
        while (givenUp.isEmpty()) {
            newest = writeUnits(1);
        }
        assertThat(newest.succeeded()).isTrue();
        assertThat(world.journal().oldestBoundary().sequence()).isEqualTo(tail);
        assertThat(world.alerts)
                .filteredOn(said -> said.contains("no longer held for a copy"))
                .singleElement()
                .asString()
                .contains("redo after sequence number 0 ");
    }

    @Test
    void littleHeldRedoIsGivenUpAfterHistoryAndBeforeAWriteFails() throws Exception {
        create(12 << 20);
        writeUnits(30);
        long tail = world.journal().oldestBoundary().sequence();
        assertThat(tail).as("the pool is full").isPositive();
        hold(world.journal().redo().lastSequence());
        writeUnits(1);
        assertThat(givenUp).as("history goes first").isEmpty();
        assertThat(writeUnits(30).succeeded()).isTrue();
        assertThat(givenUp).hasSize(1);
    }

    @Test
    void heldRedoIsNoHistoryAndDoesNotCountInItsBudget() throws Exception {
        create(Long.MAX_VALUE);
        writeUnits(3);
        world.journal().setHistory(100_000 * SECOND_MICROS, 24 << 20, SECOND_MICROS);
        long tail = world.journal().oldestBoundary().sequence();
        RedoHold hold = hold(world.journal().redo().lastSequence());
        writeUnits(16);
        HistoryStatus status = world.journal().history();
        assertThat(status.redoBytes() + status.undoBytes()).isGreaterThan(24 << 20);
        assertThat(status.undoBytes()).isLessThan(24 << 20);
        assertThat(world.journal().oldestBoundary().sequence()).isEqualTo(tail);
        hold.close();
        writeUnits(1);
        assertThat(world.journal().oldestBoundary().sequence()).isEqualTo(tail);
        assertThat(givenUp).isEmpty();
    }

    /** Writes and folds; gives the last record, which has ended. */
    private TestRecord writeUnits(int count) throws Exception {
        TestRecord record = world.write(30_000, false);
        for (int i = 0; i < count * 70; i++) {
            record = world.write(30_000, false);
            for (int wait = 0; wait < 1000 && record.endedCalls == 0; wait++) {
                world.scheduler.runFor(TimeUnit.MILLISECONDS.toNanos(1));
            }
            assertThat(record.succeeded()).isTrue();
            if (i % 8 == 7) {
                world.fold();
            }
        }
        world.fold();
        world.scheduler.runFor(TimeUnit.SECONDS.toNanos(11));
        return record;
    }

    @Test
    void whoWaitsForRoomGoesOnAtOnceWhenAPinEnds() throws Exception {
        create(12 << 20);
        writeUnits(1);
        Pin pin = world.journal().pin(world.journal().resolve(new PointSpec.Latest()));
        TestRecord stuck = fill();
        pin.close();
        world.scheduler.runFor(TimeUnit.MILLISECONDS.toNanos(1));
        assertThat(stuck.succeeded()).isTrue();
    }

    /** Writes and folds until a record waits for a unit; gives that record. */
    private TestRecord fill() throws Exception {
        for (int i = 0; i < 10_000; i++) {
            TestRecord record = world.write(30_000, false);
            world.scheduler.runFor(1_000);
            if (record.endedCalls == 0) {
                return record;
            }
            if (i % 8 == 7) {
                world.fold();
            }
        }
        throw new AssertionError("the pool never got full");
    }
}
