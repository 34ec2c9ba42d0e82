package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.IscsiMetrics;
import dev.tidemark.iscsi.target.Portal;
import dev.tidemark.iscsi.target.ReservationStore;
import io.netty.util.LeakPresenceDetector;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A running server for one test; when it is closed, every target and every buffer is back. */
final class TestServer implements AutoCloseable {
    private static final long AWAIT_NANOS = 20_000_000_000L;

    final TestCatalog catalog;
    final IscsiServer server;
    final InetSocketAddress address;
    final AtomicInteger badInput = new AtomicInteger();
    final AtomicInteger openedConnections = new AtomicInteger();
    final AtomicInteger closedConnections = new AtomicInteger();

    TestServer(TestCatalog catalog) throws IOException {
        this(catalog, IscsiLimits.DEFAULT, new MemoryStore());
    }

    TestServer(TestCatalog catalog, IscsiLimits limits, ReservationStore store) throws IOException {
        this.catalog = catalog;
        IscsiServerConfig config =
                IscsiServerConfig.listeningOn(new Portal("127.0.0.1", 0)).withLimits(limits);
        server = new IscsiServer(config, catalog, store, new Counting());
        address = server.start().getFirst();
    }

    private final class Counting implements IscsiMetrics {
        @Override
        public void badInput() {
            badInput.incrementAndGet();
        }

        @Override
        public void connectionOpened() {
            openedConnections.incrementAndGet();
        }

        @Override
        public void connectionClosed() {
            closedConnections.incrementAndGet();
        }
    }

    /** Keeps reservations as long as the test runs. */
    static final class MemoryStore implements ReservationStore {
        private final ConcurrentHashMap<Long, byte[]> kept = new ConcurrentHashMap<>();

        @Override
        public byte @Nullable [] load(long unitIdentifier) {
            return kept.get(unitIdentifier);
        }

        @Override
        public CompletionStage<Void> save(long unitIdentifier, byte[] state) {
            kept.put(unitIdentifier, state);
            return CompletableFuture.completedFuture(null);
        }
    }

    /** {@code host:port}. */
    String portal() {
        return "127.0.0.1:" + address.getPort();
    }

    /** An URL of a unit, for libiscsi and qemu. */
    String url(String target, int lun) {
        return "iscsi://" + portal() + "/" + TestCatalog.PREFIX + target + "/" + lun;
    }

    /** Waits for something that another thread brings about. */
    static void await(String what, BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - start)
                    .as("nanoseconds waited until %s", what)
                    .isLessThan(AWAIT_NANOS);
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Override
    public void close() {
        server.stop(Duration.ofSeconds(5)).join();
        await("every target is closed", () -> catalog.open.get() == 0);
        LeakPresenceDetector.check();
    }
}
