package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.ReservationStore;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Initiators that ask for more than is good: memory stays under a bound that does not depend on how
 * much they ask for, and the commands of a bystander, who was there before and comes from another
 * address, are answered as ever.
 */
@Timeout(120)
@SuppressWarnings("NullAway.Init") // every test begins with serve()
final class IscsiFloodTest {
    private static final int DISK_BYTES = 4 << 20;
    private static final int GREEDY = 16;

    /** Small, so that what a connection may keep is little beside what the floods send. */
    private static final int WINDOW = 32;

    private static final int IN_FLIGHT_BYTES = 1 << 20;
    private static final int OUTBOUND_BYTES = 256 << 10;
    private static final int FIRST_BURST_BYTES = 16 << 10;
    private static final IscsiLimits LIMITS =
            new IscsiLimits(
                    60_000,
                    16_384,
                    1024,
                    256,
                    256,
                    WINDOW,
                    IN_FLIGHT_BYTES,
                    OUTBOUND_BYTES,
                    64 << 10,
                    FIRST_BURST_BYTES,
                    64 << 10,
                    8,
                    0,
                    20_000);

    /**
     * As the reference has it: unsolicited data, what is in flight, what was not taken, and one
     * read of the socket of at most 1 MiB; twice, for what the allocator keeps beside it.
     */
    private static final long CONNECTION_BYTES =
            2L * WINDOW * FIRST_BURST_BYTES + IN_FLIGHT_BYTES + OUTBOUND_BYTES + (1 << 20);

    private static final long BUFFER_BOUND_BYTES = (64L << 20) + GREEDY * CONNECTION_BYTES;
    private static final long HEAP_BOUND_BYTES = 96L << 20;
    private static final int PROBES = 100;

    private final TestDisk disk = new TestDisk(DISK_BYTES);
    private TestServer server;
    private RawInitiator bystander;
    private Footprint footprint;

    /** What the server takes more than before it was attacked. */
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

    private void serve(IscsiLimits limits) throws IOException {
        server =
                new TestServer(
                        new TestCatalog().add("disk", disk).add("calm", new TestDisk(DISK_BYTES)),
                        limits,
                        ReservationStore.NONE);
        bystander = new RawInitiator(server.address, "127.0.0.2").ready("calm");
        footprint = new Footprint();
    }

    @AfterEach
    void stop() throws IOException {
        disk.release();
        bystander.close();
        server.close();
    }

    /**
     * One who does no harm gets its answers, half of them within 20 ms, all within 2 s, and can log
     * in again.
     */
    private void expectOthersServed() throws IOException {
        long[] nanos = new long[PROBES];
        for (int probe = 0; probe < PROBES; probe++) {
            long start = System.nanoTime();
            bystander.send(bystander.read10(0, 8));
            assertThat(bystander.receive().status()).isZero();
            nanos[probe] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        assertThat(nanos[PROBES / 2]).as("median ns").isLessThan(20_000_000L);
        assertThat(nanos[PROBES - 1]).as("slowest ns").isLessThan(2_000_000_000L);
        try (RawInitiator another = new RawInitiator(server.address, "127.0.0.3").fromPort(99)) {
            another.ready("calm").expectAlive();
        }
        footprint.expectBounded();
    }

    /** Keeps sending from a thread of its own, until the connection ends. */
    private static Thread flood(
            RawInitiator greedy, AtomicInteger sent, Header header, byte... data) {
        return Thread.ofVirtual()
                .start(() -> {
                    try {
                        for (int i = 0; i < 1_000_000; i++) {
                            greedy.send(header.setInt(16, 1000 + i), data);
                            sent.incrementAndGet();
                        }
                    } catch (IOException ended) {
                        // by the server, or because the test is over
                    }
                });
    }

    /** Waits until a number has stopped growing. */
    private static int settled(IntSupplier number) {
        AtomicLong seen = new AtomicLong(-1);
        AtomicLong since = new AtomicLong();
        TestServer.await(
                "nothing is taken any more",
                () -> {
                    long now = number.getAsInt();
                    if (seen.getAndSet(now) != now) {
                        since.set(System.nanoTime());
                    }
                    return System.nanoTime() - since.get() > 300_000_000L;
                });
        return number.getAsInt();
    }

    // ---- before login

    @Test
    void logins_that_never_end_are_counted_by_address_and_dropped_by_the_clock()
            throws IOException {
        serve(LIMITS.withClocks(4_000, 0, 20_000));
        List<RawInitiator> halves = new ArrayList<>();
        int refused = 0;
        for (int i = 0; i < 300; i++) {
            RawInitiator half = new RawInitiator(server.address);
            halves.add(half);
            try {
                for (int part = 0; part < 7; part++) {
                    half.send(RawInitiator.login(false, 1, 0).set(1, 0x44), new byte[8192]);
                    half.receive();
                }
            } catch (IOException closed) {
                refused++;
            }
        }
        assertThat(refused).as("past 256 of an address").isEqualTo(300 - 256);
        expectOthersServed();
        for (RawInitiator half : halves) {
            half.expectClosed();
            half.close();
        }
        expectOthersServed();
    }

    @Test
    void ten_thousand_connections_that_say_nothing_are_held_cheaply() throws IOException {
        serve(LIMITS.withConnections(16_384, 16_384, 16_384));
        try (IdleConnections idle = new IdleConnections(server.address, 10_000)) {
            TestServer.await("all are there", () -> server.openedConnections.get() > 10_000);
            assertThat(server.closedConnections).hasValue(0);
            expectOthersServed();
            idle.expectStillThere();
        }
        TestServer.await("all are gone", () -> server.closedConnections.get() >= 10_000);
    }

    @Test
    void of_ten_thousand_connections_the_limits_keep_256() throws IOException {
        serve(LIMITS);
        try (IdleConnections idle = new IdleConnections(server.address, 10_000)) {
            TestServer.await(
                    "the others are closed", () -> server.closedConnections.get() == 10_000 - 256);
            expectOthersServed();
            idle.expectStillThere();
        }
    }

    @Test
    void ten_thousand_logins_one_after_the_other_are_survived() throws IOException {
        serve(LIMITS.withConnections(1024, 1024, 256));
        for (int i = 0; i < 10_000; i++) {
            RawInitiator each = new RawInitiator(server.address);
            each.send(RawInitiator.login(true, 1, 3), RawInitiator.text("InitiatorName=x"));
            each.reset();
        }
        TestServer.await("all are gone", () -> server.closedConnections.get() == 10_000);
        expectOthersServed();
        try (RawInitiator same = new RawInitiator(server.address)) {
            same.ready("calm").expectAlive(); // none of them counts any more
        }
    }

    // ---- in full feature phase

    @ParameterizedTest
    @ValueSource(strings = {"read", "ping"})
    void those_that_ask_without_end_and_read_nothing_are_not_read_any_more(String what)
            throws Exception {
        serve(LIMITS);
        List<RawInitiator> all = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        AtomicInteger sent = new AtomicInteger();
        boolean reads = what.equals("read");
        for (int i = 0; i < GREEDY; i++) {
            RawInitiator greedy = new RawInitiator(server.address).fromPort(i).ready("disk");
            all.add(greedy);
            // Immediate, so that the window does not stop them.
            Header header =
                    reads
                            ? greedy.read10(0, 128).set(0, Opcode.SCSI_COMMAND | 0x40)
                            : Header.of(Opcode.NOP_OUT | 0x40, Header.FINAL).setInt(20, -1);
            threads.add(flood(greedy, sent, header, new byte[reads ? 0 : 8 << 10]));
        }
        TestServer.await("they have asked for much", () -> sent.get() > GREEDY * 100);
        if (reads) {
            // 64 KiB each: what is in flight, what was not taken, and the sockets' buffers.
            assertThat(settled(disk.reads::get)).isLessThan(GREEDY * 200);
        } else {
            // 8 KiB each, there and back: the sockets' buffers, twice.
            assertThat(settled(sent::get)).isLessThan(GREEDY * 4000);
        }
        expectOthersServed();
        for (RawInitiator greedy : all) {
            greedy.reset();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    /** More would be kept of each than what one command adds to what was not taken. */
    @Test
    void commands_wait_while_the_answers_before_them_are_not_taken() throws IOException {
        serve(LIMITS);
        int readers = 4;
        List<RawInitiator> all = new ArrayList<>();
        for (int i = 0; i < readers; i++) {
            RawInitiator greedy = new RawInitiator(server.address).fromPort(i).ready("disk");
            all.add(greedy);
            for (int command = 0; command < WINDOW; command++) {
                greedy.send(greedy.read10(0, DISK_BYTES / 512));
            }
        }
        // 4 MiB each: the sockets' buffers, what was not taken, and one more.
        assertThat(settled(disk.reads::get)).isBetween(readers, 6 * readers);
        expectOthersServed();
        for (RawInitiator greedy : all) {
            greedy.reset();
        }
    }

    @Test
    void a_text_that_is_continued_without_end_is_rejected_again_and_again() throws IOException {
        serve(LIMITS);
        try (RawInitiator greedy = new RawInitiator(server.address).ready("disk")) {
            int rejects = 0;
            int tag = Header.RESERVED_TAG;
            for (int i = 0; i < 400; i++) {
                greedy.send(
                        Header.of(Opcode.TEXT | 0x40, Header.CONTINUE)
                                .setInt(16, 7)
                                .setInt(20, tag)
                                .setInt(24, 2),
                        new byte[8192]);
                RawInitiator.Answer answer = greedy.receive();
                boolean reject = answer.opcode() == Opcode.REJECT;
                rejects += reject ? 1 : 0;
                tag = reject ? Header.RESERVED_TAG : answer.header().intAt(20);
            }
            // Eight of 8 KiB fill a text, and the ninth is refused.
            assertThat(rejects).isEqualTo(400 / 9);
            greedy.expectAlive();
            expectOthersServed();
        }
    }

    @Test
    void commands_that_come_early_are_held_up_to_a_bound() throws IOException {
        serve(LIMITS);
        try (RawInitiator greedy = new RawInitiator(server.address).ready("disk")) {
            byte[] segment = new byte[64 << 10];
            int fit = WINDOW * FIRST_BURST_BYTES / segment.length;
            for (int i = 0; i <= fit; i++) {
                greedy.send(
                        Header.of(Opcode.NOP_OUT, Header.FINAL)
                                .setInt(16, 50 + i)
                                .setInt(20, Header.RESERVED_TAG)
                                .setInt(24, 4 + i),
                        segment);
            }
            assertThat(greedy.receive().rejectReason()).isEqualTo(0x04);
            greedy.expectClosed();
            expectOthersServed();
        }
    }

    @Test
    void writes_whose_data_never_comes_take_no_memory() throws IOException {
        serve(LIMITS);
        List<RawInitiator> all = new ArrayList<>();
        for (int i = 0; i < GREEDY; i++) {
            RawInitiator greedy = new RawInitiator(server.address).fromPort(i).ready("disk");
            all.add(greedy);
            for (int command = 0; command < WINDOW; command++) {
                Header write = greedy.write10(0, 8192);
                greedy.send(write, new byte[FIRST_BURST_BYTES]);
            }
            assertThat(greedy.receive().opcode()).isEqualTo(Opcode.R2T);
        }
        expectOthersServed();
        for (RawInitiator greedy : all) {
            greedy.reset();
        }
    }

    @Test
    void sessions_that_are_cut_with_everything_in_flight_leave_nothing() throws IOException {
        serve(LIMITS);
        disk.hold();
        for (int i = 0; i < 200; i++) {
            RawInitiator greedy = new RawInitiator(server.address).fromPort(i).ready("disk");
            greedy.send(greedy.write10(0, 64)); // whose data never comes
            for (int command = 0; command < 8; command++) {
                greedy.send(greedy.read10(0, 128));
                greedy.send(greedy.write10(0, 32), new byte[FIRST_BURST_BYTES]);
            }
            int all = 16 * (i + 1);
            TestServer.await("all are at work", () -> disk.heldCount() == all);
            greedy.reset();
        }
        expectOthersServed();
        disk.release();
        TestServer.await("only one is left", () -> server.catalog.open.get() == 1);
        expectOthersServed();
    }
}
