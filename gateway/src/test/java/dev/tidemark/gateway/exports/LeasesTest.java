package dev.tidemark.gateway.exports;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class LeasesTest {
    private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5);
    private final Leases leases = new Leases(Duration.ofNanos(10), clock::get);

    @Test
    void theSameNameMeansTheSameInstantForAWhile() {
        assertThat(leases.give("disk@-5m", 42)).isEqualTo(42);
        clock.addAndGet(9); // Over the clock's end: nanoTime may be anything.
        assertThat(leases.get("disk@-5m")).hasValue(42);
        assertThat(leases.get("disk@-6m")).isEmpty();
        clock.addAndGet(1);
        assertThat(leases.get("disk@-5m")).isEmpty();
    }

    @Test
    void whoComesFirstDecides() {
        assertThat(leases.give("disk@latest", 1)).isEqualTo(1);
        assertThat(leases.give("disk@latest", 2)).isEqualTo(1);
        leases.drop("disk@latest");
        assertThat(leases.give("disk@latest", 3)).isEqualTo(3);
    }

    @Test
    void askingAgainDoesNotProlong() {
        leases.give("disk@latest", 1);
        clock.addAndGet(6);
        leases.give("disk@latest", 2);
        clock.addAndGet(6);
        assertThat(leases.get("disk@latest")).isEmpty();
    }
}
