package dev.tidemark.execution.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.execution.Scheduler.Cancellable;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;

class SimulatedSchedulerTest {
    private final SimulatedScheduler scheduler = new SimulatedScheduler(1);
    private final List<String> ran = new ArrayList<>();

    @Test
    void readyTasksRunInAnOrderTheSeedDecides() {
        TreeSet<String> orders = new TreeSet<>();
        for (long seed = 0; seed < 100; seed++) {
            String order = order(seed);
            assertThat(order(seed)).isEqualTo(order);
            orders.add(order);
        }
        assertThat(orders).hasSize(6);
    }

    private static String order(long seed) {
        SimulatedScheduler scheduler = new SimulatedScheduler(seed);
        StringBuilder order = new StringBuilder();
        for (int i = 0; i < 3; i++) {
            int number = i;
            scheduler.io().execute(() -> order.append(number));
        }
        scheduler.runUntilIdle();
        return order.toString();
    }

    @Test
    void aSerialExecutorKeepsItsOrderAndInterleavesWithOthers() {
        boolean interleaved = false;
        for (long seed = 0; seed < 50; seed++) {
            SimulatedScheduler seeded = new SimulatedScheduler(seed);
            List<String> order = new ArrayList<>();
            Executor one = seeded.newSerial("one");
            Executor two = seeded.newSerial("two");
            for (int i = 0; i < 10; i++) {
                int number = i;
                one.execute(() -> order.add("a" + number));
                two.execute(() -> order.add("b" + number));
            }
            seeded.runUntilIdle();
            assertThat(order.stream().filter(task -> task.startsWith("a"))).isSorted().hasSize(10);
            assertThat(order.stream().filter(task -> task.startsWith("b"))).isSorted().hasSize(10);
            interleaved |=
                    !order.subList(0, 10).stream()
                            .allMatch(task -> task.charAt(0) == order.getFirst().charAt(0));
        }
        assertThat(interleaved).isTrue();
    }

    @Test
    void timePassesOnlyWhenAsked() {
        scheduler.schedule(1000, () -> ran.add("at " + scheduler.nanoTime()));
        scheduler.runUntilIdle();
        scheduler.runFor(998);
        assertThat(ran).isEmpty();
        long start = scheduler.nanoTime();
        scheduler.runFor(5000);
        assertThat(ran).containsExactly("at " + (start + 2));
        assertThat(scheduler.nanoTime()).isEqualTo(start + 5000);
    }

    @Test
    void timersThatTimersSetRunWithinTheSamePassage() {
        scheduler.schedule(100, () -> scheduler.schedule(100, () -> ran.add("second")));
        scheduler.runFor(200);
        assertThat(ran).containsExactly("second");
    }

    @Test
    void aTimerMayOvertakeTasksThatWait() {
        boolean overtook = false;
        for (long seed = 0; seed < 100; seed++) {
            SimulatedScheduler seeded = new SimulatedScheduler(seed);
            List<String> order = new ArrayList<>();
            Executor serial = seeded.newSerial("serial");
            for (int i = 0; i < 5; i++) {
                serial.execute(() -> order.add("task"));
            }
            seeded.schedule(10, () -> order.add("timer"));
            seeded.runFor(10);
            assertThat(order).hasSize(6);
            overtook |= order.indexOf("timer") < 5;
        }
        assertThat(overtook).isTrue();
    }

    @Test
    void aCancelledTaskNeverRuns() {
        Cancellable timer = scheduler.schedule(10, () -> ran.add("timer"));
        Cancellable due = scheduler.schedule(0, () -> ran.add("due"));
        timer.cancel();
        due.cancel();
        due.cancel();
        scheduler.runFor(100);
        assertThat(ran).isEmpty();
        assertThat(scheduler.timerCount()).isZero();
    }

    @Test
    void theWallClockFollowsTimeAndJumpsAlone() {
        long wall = scheduler.wallClockMicros();
        long nanos = scheduler.nanoTime();
        scheduler.runFor(5_000_000);
        assertThat(scheduler.wallClockMicros()).isEqualTo(wall + 5000);
        scheduler.jumpWallClock(-1_000_000);
        assertThat(scheduler.wallClockMicros()).isEqualTo(wall + 5000 - 1_000_000);
        assertThat(scheduler.nanoTime()).isEqualTo(nanos + 5_000_000);
    }

    @Test
    void runToNextTimerStopsThere() {
        scheduler.schedule(10, () -> ran.add("first"));
        scheduler.schedule(20, () -> ran.add("second"));
        assertThat(scheduler.runToNextTimer()).isTrue();
        assertThat(ran).containsExactly("first");
        assertThat(scheduler.runToNextTimer()).isTrue();
        assertThat(scheduler.runToNextTimer()).isFalse();
        assertThat(ran).containsExactly("first", "second");
    }

    @Test
    void whatATaskThrowsComesOutAndTheRestStillRuns() {
        Executor serial = scheduler.newSerial("serial");
        serial.execute(() -> {
            throw new IllegalStateException("thrown by a task");
        });
        serial.execute(() -> ran.add("next"));
        assertThatThrownBy(scheduler::runUntilIdle).hasMessage("thrown by a task");
        scheduler.runUntilIdle();
        assertThat(ran).containsExactly("next");
    }

    @Test
    void aDeadProcessRunsNothingMore() {
        Executor serial = scheduler.newSerial("serial");
        serial.execute(() -> ran.add("serial"));
        scheduler.io().execute(() -> ran.add("io"));
        scheduler.schedule(10, () -> ran.add("timer"));
        scheduler.discardAll();
        serial.execute(() -> ran.add("late"));
        scheduler.runFor(100);
        assertThat(ran).isEmpty();
        scheduler.newSerial("next life").execute(() -> ran.add("next life"));
        scheduler.runUntilIdle();
        assertThat(ran).containsExactly("next life");
    }
}
