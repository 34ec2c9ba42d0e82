package dev.tidemark.harness;

import static dev.tidemark.harness.BlockModel.BLOCK_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.ForeignProgram;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients that connect again, on a gateway that is stopped and killed under their load: whoever
 * uses their disks sees no error, and every acknowledged write is there in the end.
 */
@Timeout(300)
final class NbdRestartIT {
    private static final long SEED = Long.getLong("tidemark.seed", System.nanoTime());
    private static final int DISK_BLOCKS = 8192;
    private static final int WRITERS = 3;

    /** Acknowledgements between two ends of the gateway. */
    private static final int WRITES = 1500;

    private static final int ROUNDS = 2;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir Path folder;
    private GatewayProcess gateway;
    private final BlockModel model = new BlockModel("disk", 1, DISK_BLOCKS, null);

    @BeforeEach
    void startGateway() throws Exception {
        gateway = new GatewayProcess(folder.resolve("gateway")).start();
        gateway.api().createVolume("disk", (long) DISK_BLOCKS * BLOCK_BYTES, null);
    }

    @AfterEach
    void endGateway() {
        gateway.close();
    }

    /** QEMU's client, whose disk is passed on by a server of QEMU's. */
    private ForeignProgram startQemu(Path socket) throws Exception {
        ForeignProgram qemu =
                ForeignProgram.start(
                        "qemu-storage-daemon",
                        "--blockdev",
                        "driver=nbd,node-name=disk,server.type=inet,server.host=127.0.0.1,server.port="
                                + gateway.nbdAddress().getPort()
                                + ",export=disk,reconnect-delay=60,discard=unmap",
                        "--nbd-server",
                        "addr.type=unix,addr.path=" + socket,
                        "--export",
                        "type=nbd,id=passed-on,node-name=disk,name=disk,writable=on");
        Await.until(
                "QEMU to listen; it printed: " + qemu.printed(),
                LIMIT,
                () -> !qemu.running() || Files.exists(socket));
        return qemu;
    }

    @Test
    void qemu_connects_again_after_stops_and_kills_and_its_user_sees_no_error() throws Exception {
        System.out.printf("NbdRestartIT: -Dtidemark.seed=%d%n", SEED);
        Path socket = folder.resolve("qemu.sock");
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(socket);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                ForeignProgram qemu = startQemu(socket);
                Load load = new Load(address, threads)) {
            for (int round = 0; round < ROUNDS; round++) {
                load.awaitMore(WRITES);
                assertThat(gateway.stop()).as("exit status:%n%s", gateway.log()).isZero();
                gateway.start();
                load.awaitMore(WRITES);
                gateway.kill();
                gateway.start();
            }
            load.awaitMore(WRITES);
            load.rest();
            BlockModel.Snapshot expected = model.snapshot();
            expect(expected, NbdTestClient.connect(address, "disk"));
            expect(expected, gateway.connect("disk"));
            assertThat(qemu.running()).as("QEMU runs; it printed:%n%s", qemu.printed()).isTrue();
        }
        assertThat(gateway.stop()).isZero();
    }

    private static void expect(BlockModel.Snapshot expected, NbdTestClient client)
            throws Exception {
        try (client) {
            client.readAll((offsetBytes, content) ->
                    BlockModel.check(expected, "disk", offsetBytes, content));
        }
    }

    /** Writers through a client that connects again. An error ends them, and fails the test. */
    private final class Load implements AutoCloseable {
        private final CountDownLatch acknowledged = new CountDownLatch(Integer.MAX_VALUE);
        private final ReadWriteLock rest = new ReentrantReadWriteLock();
        private final List<Future<?>> writers = new ArrayList<>();
        private boolean resting;

        Load(UnixDomainSocketAddress address, ExecutorService threads) throws Exception {
            Random random = new Random(SEED);
            int share = DISK_BLOCKS / WRITERS;
            for (int i = 0; i < WRITERS; i++) {
                writers.add(
                        threads.submit(
                                new LoadWriter(
                                        NbdTestClient.connect(address, "disk"),
                                        model,
                                        i * share,
                                        share,
                                        new Random(random.nextLong()),
                                        rest.readLock(),
                                        acknowledged)));
            }
        }

        void awaitMore(int count) throws Exception {
            long enough = acknowledged.getCount() - count;
            Await.until(
                    count + " more acknowledgements",
                    LIMIT,
                    () -> acknowledged.getCount() <= enough || ended());
            for (Future<?> writer : writers) {
                if (writer.isDone()) {
                    writer.get(); // tells why
                }
            }
            assertThat(ended()).as("a writer was sent away").isFalse();
        }

        private boolean ended() {
            return writers.stream().anyMatch(Future::isDone);
        }

        /** Returns when nothing is in flight; nothing more is sent from then on. */
        void rest() {
            rest.writeLock().lock();
            resting = true;
            assertThat(ended()).as("a writer was sent away").isFalse();
        }

        /** The writers end with their connections. */
        @Override
        public void close() {
            if (resting) {
                rest.writeLock().unlock();
            }
        }
    }
}
