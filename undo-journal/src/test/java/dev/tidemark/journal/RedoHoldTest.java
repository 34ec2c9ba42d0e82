package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Redo that somebody is going to read stays until he has. */
final class RedoHoldTest {
    private static final long SECOND_MICROS = 1_000_000;

    private final JournalWorld world = new JournalWorld(12);

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
        return Objects.requireNonNull(world.journal().holdRedo(after));
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
        assertThat(world.journal().holdRedo(begin() - 2)).isNull();
        assertThat(world.journal().holdRedo(begin() - 1)).isNotNull();
        long last = world.journal().redo().lastSequence();
        assertThat(world.journal().holdRedo(last)).isNotNull();
        assertThat(world.journal().holdRedo(last + 1)).isNull();
    }

    @Test
    void aFullPoolDoesNotTakeHeldRedo() throws Exception {
        create(12 << 20);
        RedoHold hold = hold(0);
        TestRecord stuck = fill();
        assertThat(stuck.endedCalls).isZero();
        assertThat(begin()).isEqualTo(1);
        hold.close();
    }

    @Test
    void whoWaitsForRoomGoesOnAtOnceWhenTheHoldAdvances() throws Exception {
        create(12 << 20);
        RedoHold hold = hold(0);
        TestRecord stuck = fill();
        long read = world.journal().redo().lastSequence();
        hold.advance(read);
        world.scheduler.runFor(TimeUnit.MILLISECONDS.toNanos(1));
        assertThat(stuck.succeeded()).isTrue();
        assertThat(stuck.sequence()).isEqualTo(read + 1);
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
