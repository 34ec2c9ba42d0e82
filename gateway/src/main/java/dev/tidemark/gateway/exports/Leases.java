package dev.tidemark.gateway.exports;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.LongSupplier;

/**
 * Remembers which instant a moving name was given to a client: for a span from its first use on and
 * from the end of each connection that used it, so that who reconnects gets the same one; for a
 * remote client also as long as such a connection is open. Thread-safe.
 */
final class Leases {
    /** Names asked for within one span; past it, those without a connection are forgotten. */
    private static final int MAXIMUM_COUNT = 4096;

    /** A name as a client asks for it. */
    record Key(ClientIdentity client, UUID group, String name) {}

    private static final class Lease {
        final long sequence;
        long endNanos;
        int connections;

        Lease(long sequence, long endNanos) {
            this.sequence = sequence;
            this.endNanos = endNanos;
        }
    }

    private final long spanNanos;
    private final LongSupplier nanoTime;
    private final Map<Key, Lease> leases = new HashMap<>(); // guarded by this

    Leases(Duration span, LongSupplier nanoTime) {
        this.spanNanos = span.toNanos();
        this.nanoTime = nanoTime;
    }

    /** The instant that the name was given, unless its lease is over. */
    synchronized OptionalLong get(Key key) {
        long now = nanoTime.getAsLong();
        leases.values().removeIf(lease -> lease.connections == 0 && lease.endNanos - now <= 0);
        Lease lease = leases.get(key);
        return lease != null && isValid(key, lease, now)
                ? OptionalLong.of(lease.sequence)
                : OptionalLong.empty();
    }

    private static boolean isValid(Key key, Lease lease, long now) {
        return lease.endNanos - now > 0 || (lease.connections > 0 && key.client().remote());
    }

    /** Gives the name an instant; who came first stays. Returns what holds. */
    synchronized long give(Key key, long sequence) {
        OptionalLong first = get(key);
        if (first.isPresent()) {
            return first.getAsLong();
        }
        if (leases.size() >= MAXIMUM_COUNT) {
            leases.values().removeIf(lease -> lease.connections == 0);
        }
        leases.put(key, new Lease(sequence, nanoTime.getAsLong() + spanNanos));
        return sequence;
    }

    /** A connection uses the name; the task tells its end, once. */
    synchronized Runnable use(Key key) {
        Lease lease = leases.get(key);
        if (lease == null) {
            return () -> {};
        }
        lease.connections++;
        return () -> ended(lease);
    }

    private synchronized void ended(Lease lease) {
        lease.connections--;
        lease.endNanos = nanoTime.getAsLong() + spanNanos;
    }

    synchronized void drop(Key key) {
        leases.remove(key);
    }
}
