package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.LeakPresenceDetector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A running server for one test; when it is closed, every export and every buffer is back. */
final class TestServer implements AutoCloseable {
    /** The transports a conformance test runs over. */
    enum Kind {
        TCP,
        UNIX,
        TCP_NIO,
        UNIX_NIO,
        /** TCP, and everything behind the greeting inside TLS. */
        TLS
    }

    private static final long AWAIT_NANOS = 20_000_000_000L;

    final TestCatalog catalog;
    final NbdServer server;
    final ListenAddress address;
    private final Kind kind;
    private final Path folder;

    TestServer(Kind kind, TestCatalog catalog, NbdLimits limits) throws IOException {
        this(kind, catalog, limits, NbdMetrics.NONE);
    }

    TestServer(Kind kind, TestCatalog catalog, NbdLimits limits, NbdMetrics metrics)
            throws IOException {
        this(kind, catalog, limits, metrics, kind == Kind.TLS ? new TestTls(true) : null);
    }

    TestServer(
            Kind kind,
            TestCatalog catalog,
            NbdLimits limits,
            NbdMetrics metrics,
            @Nullable TestTls tls)
            throws IOException {
        this.catalog = catalog;
        this.kind = kind;
        folder = Files.createTempDirectory("nbd");
        ListenAddress listen =
                kind == Kind.TCP || kind == Kind.TCP_NIO || kind == Kind.TLS
                        ? new ListenAddress.Tcp("127.0.0.1", 0)
                        : new ListenAddress.Unix(
                                folder.resolve("s.sock"), ListenAddress.Unix.PRIVATE);
        NbdServerConfig config = NbdServerConfig.listeningOn(listen).withLimits(limits);
        if (kind == Kind.TCP_NIO || kind == Kind.UNIX_NIO) {
            config = config.withoutNativeTransport();
        }
        if (tls != null) {
            config = config.withTls(tls);
        }
        server = new NbdServer(config, catalog, metrics);
        address = server.start().getFirst();
    }

    RawClient connect() throws IOException {
        RawClient client = new RawClient(address);
        return kind == Kind.TLS ? client.inTls() : client;
    }

    /** An NBD URI of an export, for real clients. */
    String uri(String export) {
        return switch (address) {
            case ListenAddress.Tcp tcp -> "nbd://" + tcp + "/" + export;
            case ListenAddress.Unix unix -> "nbd+unix:///" + export + "?socket=" + unix.path();
            case ListenAddress.Inherited inherited -> throw new AssertionError(inherited);
        };
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
    public void close() throws IOException {
        server.stop(Duration.ofSeconds(5)).join();
        await("every export is closed", () -> catalog.open.get() == 0);
        await("every context is closed", () -> catalog.openContexts.get() == 0);
        Files.deleteIfExists(folder);
        LeakPresenceDetector.check();
    }
}
