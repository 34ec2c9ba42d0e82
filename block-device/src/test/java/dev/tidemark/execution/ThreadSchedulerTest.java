package dev.tidemark.execution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.execution.Scheduler.Cancellable;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ThreadSchedulerTest {
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final ThreadScheduler scheduler =
            new ThreadScheduler("test", 3, (thread, thrown) -> failures.add(thrown));

    @AfterEach
    void close() {
        scheduler.close();
    }

    @Test
    void ioRunsOnAsManyNamedDaemonPlatformThreadsAsConfigured() throws Exception {
        CyclicBarrier together = new CyclicBarrier(3);
        CountDownLatch done = new CountDownLatch(9);
        Set<String> names = ConcurrentHashMap.newKeySet();
        for (int i = 0; i < 9; i++) {
            scheduler
                    .io()
                    .execute(() -> {
                        Thread thread = Thread.currentThread();
                        names.add(thread.getName() + thread.isDaemon() + thread.isVirtual());
                        await(together);
                        done.countDown();
                    });
        }
        assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(names)
                .containsExactlyInAnyOrder(
                        "test-io-1truefalse", "test-io-2truefalse", "test-io-3truefalse");
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await(30, TimeUnit.SECONDS);
        } catch (Exception broken) {
            throw new AssertionError(broken);
        }
    }

    @Test
    void serialExecutorsKeepTheirOrderAndRunOneAtATime() throws Exception {
        int count = 5000;
        CountDownLatch done = new CountDownLatch(2 * count);
        List<List<Integer>> seen = List.of(new ArrayList<>(), new ArrayList<>());
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        for (int executor = 0; executor < 2; executor++) {
            Executor serial = scheduler.newSerial("serial");
            List<Integer> list =
                    seen.get(executor); // unsynchronised: each task must see the ones before
            boolean watched = executor == 0;
            for (int i = 0; i < count; i++) {
                int number = i;
                serial.execute(() -> {
                    int now = watched ? inside.incrementAndGet() : 0;
                    most.accumulateAndGet(now, Math::max);
                    list.add(number);
                    inside.addAndGet(watched ? -1 : 0);
                    done.countDown();
                });
            }
        }
        assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(seen.get(0)).isSorted().hasSize(count);
        assertThat(seen.get(1)).isSorted().hasSize(count);
        assertThat(most.get()).isEqualTo(1);
    }

    @Test
    void aTaskThatThrowsIsReportedAndTheNextOnesRun() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        Executor serial = scheduler.newSerial("serial");
        serial.execute(() -> {
            throw new IllegalStateException("from a serial task");
        });
        serial.execute(() ->
                scheduler
                        .io()
                        .execute(() -> {
                            throw new IllegalStateException("from an io task");
                        }));
        serial.execute(() ->
                scheduler.schedule(
                        1,
                        () -> {
                            done.countDown();
                            throw new IllegalStateException("from a timer");
                        }));
        assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
        scheduler.close();
        assertThat(failures)
                .extracting(Throwable::getMessage)
                .containsExactlyInAnyOrder("from a serial task", "from an io task", "from a timer");
    }

    @Test
    void aScheduledTaskRunsOnAnIoThreadNoEarlierThanAsked() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        List<Object> seen = new ArrayList<>();
        long start = scheduler.nanoTime();
        Cancellable handle =
                scheduler.schedule(
                        TimeUnit.MILLISECONDS.toNanos(20),
                        () -> {
                            seen.add(scheduler.nanoTime() - start);
                            seen.add(Thread.currentThread().getName());
                            done.countDown();
                        });
        assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
        handle.cancel();
        assertThat((long) seen.get(0)).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(20));
        assertThat((String) seen.get(1)).startsWith("test-io-");
    }

    @Test
    void aCancelledTaskDoesNotRunEvenWhenItWaitsForAThread() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        AtomicInteger runs = new AtomicInteger();
        try (ThreadScheduler single =
                new ThreadScheduler("single", 1, (thread, thrown) -> failures.add(thrown))) {
            single.io().execute(() -> awaitQuietly(hold));
            Cancellable waiting = single.schedule(0, runs::incrementAndGet);
            Cancellable distant = single.schedule(TimeUnit.HOURS.toNanos(1), runs::incrementAndGet);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (single.waitingCount() == 0 && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertThat(single.waitingCount()).isEqualTo(1);
            waiting.cancel();
            distant.cancel();
            hold.countDown();
        }
        assertThat(runs.get()).isZero();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    @Test
    void closeFinishesWhatWasHandedOverAndRefusesTheRest() {
        AtomicInteger runs = new AtomicInteger();
        Executor serial = scheduler.newSerial("serial");
        for (int i = 0; i < 1000; i++) {
            serial.execute(runs::incrementAndGet);
        }
        scheduler.schedule(TimeUnit.HOURS.toNanos(1), runs::incrementAndGet);
        scheduler.close();
        assertThat(runs.get()).isEqualTo(1000);
        assertThatThrownBy(() -> scheduler.io().execute(runs::incrementAndGet))
                .isInstanceOf(RejectedExecutionException.class);
        assertThatThrownBy(() -> serial.execute(runs::incrementAndGet))
                .isInstanceOf(RejectedExecutionException.class);
        assertThatThrownBy(() -> scheduler.schedule(0, runs::incrementAndGet))
                .isInstanceOf(RejectedExecutionException.class);
        scheduler.close();
        assertThat(failures).isEmpty();
    }

    @Test
    void theWallClockIsTheSystems() {
        long before = System.currentTimeMillis() * 1000;
        long now = scheduler.wallClockMicros();
        assertThat(now).isBetween(before, before + TimeUnit.MINUTES.toMicros(1));
    }

    @Test
    void fewerThanOneThreadIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ThreadScheduler("none", 0, (thread, thrown) -> {}))
                .withMessage("I/O threads 0 is below 1");
    }
}
