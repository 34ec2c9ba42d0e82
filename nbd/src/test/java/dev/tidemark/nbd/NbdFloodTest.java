package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Clients that ask for more than is good: memory stays under a bound that does not depend on how
 * much they ask for, and a bystander's requests are answered as ever.
 */
@Timeout(120)
final class NbdFloodTest {
    private static final int DISK_BYTES = 1 << 20;

    /** One connection's budgets, 64 MiB and 8 MiB, and what the allocator rounds up. */
    private static final long BUFFER_BOUND_BYTES = 128L << 20;

    private static final long HEAP_BOUND_BYTES = 96L << 20;
    private static final int PROBES = 100;

    /** What a server takes more than before it was attacked. */
    private static final class Footprint {
        private final long buffersBefore = bufferBytes();
        private final long heapBefore = heapBytes();

        private static long bufferBytes() {
            return ((ByteBufAllocatorMetricProvider) ByteBufAllocator.DEFAULT)
                    .metric()
                    .usedDirectMemory();
        }

        private static long heapBytes() {
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            return runtime.totalMemory() - runtime.freeMemory();
        }

        void expectBounded() {
            assertThat(bufferBytes() - buffersBefore)
                    .as("bytes of buffers")
                    .isLessThan(BUFFER_BOUND_BYTES);
            assertThat(heapBytes() - heapBefore).as("bytes of heap").isLessThan(HEAP_BOUND_BYTES);
        }
    }

    private static TestServer serve(TestServer.Kind kind, TestDisk disk) throws IOException {
        return new TestServer(kind, new TestCatalog().add("disk", disk), NbdLimits.DEFAULT);
    }

    /** A client that does no harm gets its answers; half of them within 20 ms, all within 2 s. */
    private static void expectBystanderServed(TestServer server) throws IOException {
        long[] nanos = new long[PROBES];
        try (RawClient bystander = server.connect().go("disk")) {
            for (int probe = 0; probe < PROBES; probe++) {
                long start = System.nanoTime();
                bystander.ask(NbdCommand.READ, probe, 0, 4096).expect(probe, NbdError.OK);
                bystander.receive(4096);
                nanos[probe] = System.nanoTime() - start;
            }
        }
        Arrays.sort(nanos);
        assertThat(nanos[PROBES / 2]).as("median ns").isLessThan(20_000_000L);
        assertThat(nanos[PROBES - 1]).as("slowest ns").isLessThan(2_000_000_000L);
    }

    static Stream<Arguments> transportsAndForms() {
        return Stream.of(TestServer.Kind.values())
                .flatMap(kind ->
                        Stream.of(ReplyForm.values()).map(form -> Arguments.of(kind, form)));
    }

    @ParameterizedTest
    @MethodSource("transportsAndForms")
    void a_reset_with_a_thousand_reads_in_flight_is_survived(TestServer.Kind kind, ReplyForm form)
            throws IOException {
        TestDisk disk = new TestDisk(DISK_BYTES);
        try (TestServer server = serve(kind, disk)) {
            Footprint footprint = new Footprint();
            disk.hold();
            RawClient client = server.connect().agree(form).enter("disk");
            for (int cookie = 0; cookie < 1000; cookie++) {
                client.ask(NbdCommand.READ, cookie, 0, 65_536);
            }
            TestServer.await("all are held", () -> disk.heldCount() == 1000);
            client.reset();
            disk.release();
            expectBystanderServed(server);
            footprint.expectBounded();
        }
    }

    @ParameterizedTest
    @MethodSource("transportsAndForms")
    void a_client_that_queues_a_million_reads_and_reads_nothing_is_not_read_any_more(
            TestServer.Kind kind, ReplyForm form) throws Exception {
        TestDisk disk = new TestDisk(DISK_BYTES);
        try (TestServer server = serve(kind, disk)) {
            Footprint footprint = new Footprint();
            RawClient greedy = server.connect().agree(form).enter("disk");
            AtomicBoolean over = new AtomicBoolean();
            Thread asking =
                    Thread.ofVirtual()
                            .start(() -> {
                                try {
                                    for (int cookie = 0; cookie < 1_000_000; cookie++) {
                                        greedy.ask(NbdCommand.READ, cookie, 0, 65_536);
                                    }
                                } catch (IOException closed) {
                                    assertThat(over).isTrue();
                                }
                            });
            TestServer.await("it has asked for much", () -> disk.requests.get() > 50);
            int served = settled(disk);
            // 64 KiB each: what 8 MiB of replies and the socket's buffers hold.
            assertThat(served).isLessThan(2000);
            expectBystanderServed(server);
            footprint.expectBounded();
            over.set(true);
            greedy.reset();
            asking.join();
        }
    }

    /** The number of requests once it has stopped growing. */
    private static int settled(TestDisk disk) {
        AtomicLong seen = new AtomicLong(-1);
        AtomicLong since = new AtomicLong();
        TestServer.await(
                "the server has stopped reading",
                () -> {
                    long now = disk.requests.get();
                    if (seen.getAndSet(now) != now) {
                        since.set(System.nanoTime());
                    }
                    return System.nanoTime() - since.get() > 300_000_000L;
                });
        return disk.requests.get();
    }

    @ParameterizedTest
    @EnumSource(TestServer.Kind.class)
    void questions_of_block_status_that_nobody_takes_are_bounded_too(TestServer.Kind kind)
            throws Exception {
        TestDisk disk = new TestDisk(64 << 20);
        for (int at = 0; at < 64 << 20; at += 2 * TestDisk.BLOCK_BYTES) {
            disk.allocate(at, TestDisk.BLOCK_BYTES, 3);
        }
        try (TestServer server = serve(kind, disk)) {
            Footprint footprint = new Footprint();
            RawClient greedy = server.connect().agree(ReplyForm.EXTENDED);
            greedy.contexts(Handshake.OPTION_SET_META_CONTEXT, "disk", "base:allocation");
            greedy.enter("disk");
            Thread asking =
                    Thread.ofVirtual()
                            .start(() -> {
                                try {
                                    for (int cookie = 0; cookie < 1_000_000; cookie++) {
                                        greedy.ask(NbdCommand.BLOCK_STATUS, cookie, 0, 64 << 20);
                                    }
                                } catch (IOException closed) {
                                    // the test is over
                                }
                            });
            TestServer.await("it has asked for much", () -> disk.requests.get() > 10);
            assertThat(settled(disk)).isLessThan(1000);
            expectBystanderServed(server);
            footprint.expectBounded();
            greedy.reset();
            asking.join();
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Kind.class)
    void five_hundred_half_handshakes_are_dropped_by_the_clock(TestServer.Kind kind)
            throws IOException {
        NbdLimits limits = NbdLimits.DEFAULT.withHandshakeTimeoutMs(3_000);
        TestCatalog catalog = new TestCatalog().add("disk", new TestDisk(DISK_BYTES));
        try (TestServer server = new TestServer(kind, catalog, limits)) {
            Footprint footprint = new Footprint();
            List<RawClient> halves = new ArrayList<>();
            for (int count = 0; count < 500; count++) {
                RawClient half = server.connect().greet();
                halves.add(half.option(Handshake.OPTION_GO, 16_000, new byte[15_000]));
            }
            expectBystanderServed(server);
            footprint.expectBounded();
            for (RawClient half : halves) {
                half.expectClosed();
                half.close();
            }
            expectBystanderServed(server);
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Kind.class)
    void ten_thousand_connections_opened_and_dropped_are_survived(TestServer.Kind kind)
            throws IOException {
        try (TestServer server = serve(kind, new TestDisk(DISK_BYTES))) {
            Footprint footprint = new Footprint();
            List<RawClient> open = new ArrayList<>();
            for (int count = 0; count < 10_000; count++) {
                open.add(server.connect());
                if (open.size() == 100) {
                    for (RawClient client : open) {
                        client.reset();
                    }
                    open.clear();
                }
            }
            expectBystanderServed(server);
            footprint.expectBounded();
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Kind.class)
    void options_of_four_gibibytes_end_their_connections_and_take_no_memory(TestServer.Kind kind)
            throws IOException {
        try (TestServer server = serve(kind, new TestDisk(DISK_BYTES))) {
            Footprint footprint = new Footprint();
            for (int option = 1; option <= 100; option++) {
                try (RawClient greedy = server.connect().greet()) {
                    greedy.option(option, -1, new byte[0]).expectClosed();
                }
            }
            expectBystanderServed(server);
            footprint.expectBounded();
        }
    }
}
