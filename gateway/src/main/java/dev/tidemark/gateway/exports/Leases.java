package dev.tidemark.gateway.exports;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/** Remembers for a while which instant a relative name was given. Thread-safe. */
final class Leases {
    private record Lease(long sequence, long endNanos) {}

    private final long spanNanos;
    private final LongSupplier nanoTime;
    private final Map<String, Lease> leases = new HashMap<>(); // guarded by this

    Leases(Duration span, LongSupplier nanoTime) {
        this.spanNanos = span.toNanos();
        this.nanoTime = nanoTime;
    }

    /** The instant that the name was given, unless its lease is over. */
    synchronized OptionalLong get(String name) {
        long now = nanoTime.getAsLong();
        leases.values().removeIf(lease -> lease.endNanos - now <= 0);
        Lease lease = leases.get(name);
        return lease == null ? OptionalLong.empty() : OptionalLong.of(lease.sequence);
    }

    /** Gives the name an instant; who came first stays. Returns what holds. */
    synchronized long give(String name, long sequence) {
        OptionalLong first = get(name);
        if (first.isPresent()) {
            return first.getAsLong();
        }
        leases.put(name, new Lease(sequence, nanoTime.getAsLong() + spanNanos));
        return sequence;
    }

    synchronized void drop(String name) {
        leases.remove(name);
    }
}
