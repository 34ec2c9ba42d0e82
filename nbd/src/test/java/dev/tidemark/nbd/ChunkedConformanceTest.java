package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.nbd.RawClient.Chunk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds replies in chunks to the protocol, packet by packet, in both of their forms. */
@ParameterizedClass
@MethodSource("transportsAndForms")
@Timeout(60)
final class ChunkedConformanceTest {
    private static final int DISK_BYTES = 1 << 20;
    private static final int BLOCK = TestDisk.BLOCK_BYTES;
    private static final long ZERO_HOLE = Allocation.HOLE | Allocation.ZERO;

    @Parameter(0)
    TestServer.Kind kind = TestServer.Kind.TCP;

    @Parameter(1)
    ReplyForm form = ReplyForm.STRUCTURED;

    private TestDisk disk = new TestDisk(0);
    private TestServer server;
    private RawClient client;

    static Stream<Arguments> transportsAndForms() {
        return Stream.of(TestServer.Kind.values())
                .flatMap(kind ->
                        Stream.of(
                                Arguments.of(kind, ReplyForm.STRUCTURED),
                                Arguments.of(kind, ReplyForm.EXTENDED)));
    }

    @BeforeEach
    void connect() throws IOException {
        start(new TestDisk(DISK_BYTES), NbdLimits.DEFAULT);
    }

    private void start(TestDisk device, NbdLimits limits) throws IOException {
        disk = device;
        server = new TestServer(kind, new TestCatalog().add("disk", device), limits);
        client = server.connect().agree(form).enter("disk");
    }

    private void restart(TestDisk device, NbdLimits limits) throws IOException {
        stop();
        start(device, limits);
    }

    @AfterEach
    void stop() throws IOException {
        disk.release();
        client.close();
        server.close();
    }

    private void expectUsable() throws IOException {
        client.ask(NbdCommand.FLUSH, 4711, 0, 0).expect(4711, 0, NbdError.OK);
    }

    private static byte[] pattern(int lengthBytes, int seed) {
        byte[] bytes = new byte[lengthBytes];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** Puts a read's chunks together; every byte must come exactly once. */
    private static byte[] assemble(List<Chunk> chunks, long offset, int length) {
        byte[] bytes = new byte[length];
        boolean[] seen = new boolean[length];
        for (Chunk chunk : chunks) {
            if (chunk.type() == ChunkWriter.TYPE_NONE) {
                continue;
            }
            int start = (int) (chunk.payload().getLong(0) - offset);
            int size;
            if (chunk.type() == ChunkWriter.TYPE_OFFSET_HOLE) {
                assertThat(chunk.payload().limit()).isEqualTo(12);
                size = chunk.payload().getInt(8);
            } else {
                assertThat(chunk.type()).isEqualTo(ChunkWriter.TYPE_OFFSET_DATA);
                byte[] data = chunk.data();
                size = data.length;
                System.arraycopy(data, 0, bytes, start, size);
            }
            assertThat(size).isPositive();
            for (int at = start; at < start + size; at++) {
                assertThat(seen[at]).isFalse();
                seen[at] = true;
            }
        }
        for (boolean byteSeen : seen) {
            assertThat(byteSeen).isTrue();
        }
        return bytes;
    }

    private static List<Integer> types(List<Chunk> chunks) {
        return chunks.stream().map(Chunk::type).toList();
    }

    // ---- reads

    @Test
    void a_short_read_is_one_data_chunk() throws IOException {
        disk.fill(1000, new byte[] {1, 2, 3, 4});
        client.ask(NbdCommand.READ, 0x0102030405060708L, 1000, 4);
        String cookie = "0102030405060708";
        assertThat(client.receiveHex(form == ReplyForm.EXTENDED ? 44 : 32))
                .isEqualTo(
                        form == ReplyForm.EXTENDED
                                ? "6e8a278c00010001"
                                        + cookie
                                        + "00000000000003e8"
                                        + "000000000000000c"
                                        + "00000000000003e8"
                                        + "01020304"
                                : "668e33ef00010001"
                                        + cookie
                                        + "0000000c"
                                        + "00000000000003e8"
                                        + "01020304");
    }

    @Test
    void a_long_read_without_holes_is_one_data_chunk() throws IOException {
        byte[] content = pattern(DISK_BYTES, 1);
        disk.fill(0, content);
        client.ask(NbdCommand.READ, 1, 0, DISK_BYTES);
        List<Chunk> chunks = client.chunks(1, 0);
        assertThat(chunks).hasSize(1);
        assertThat(assemble(chunks, 0, DISK_BYTES)).isEqualTo(content);
    }

    @Test
    void holes_of_a_read_are_told_and_not_sent() throws IOException {
        byte[] content = pattern(DISK_BYTES, 2);
        Arrays.fill(content, 4 * BLOCK, 100 * BLOCK, (byte) 0);
        Arrays.fill(content, 128 * BLOCK, 129 * BLOCK, (byte) 0);
        disk.fill(0, content);
        disk.allocate(4 * BLOCK, 96 * BLOCK, ZERO_HOLE);
        disk.allocate(128 * BLOCK, BLOCK, Allocation.ZERO);
        client.ask(NbdCommand.READ, 7, 100, DISK_BYTES - 200);
        List<Chunk> chunks = client.chunks(7, 100);
        assertThat(types(chunks)).containsExactlyInAnyOrder(1, 1, 1, 2, 2);
        assertThat(assemble(chunks, 100, DISK_BYTES - 200))
                .isEqualTo(Arrays.copyOfRange(content, 100, DISK_BYTES - 100));
    }

    @Test
    void a_read_of_nothing_but_zeros_is_one_hole_and_reads_nothing() throws IOException {
        disk.allocate(0, DISK_BYTES, ZERO_HOLE);
        client.ask(NbdCommand.READ, 7, 0, DISK_BYTES);
        List<Chunk> chunks = client.chunks(7, 0);
        assertThat(types(chunks)).containsExactly(ChunkWriter.TYPE_OFFSET_HOLE);
        assertThat(assemble(chunks, 0, DISK_BYTES)).containsOnly(0);
        assertThat(disk.requests).hasValue(1); // the question
    }

    @Test
    void holes_beyond_what_is_looked_at_are_data() throws IOException {
        byte[] content = pattern(DISK_BYTES, 3);
        for (int block = 0; block < DISK_BYTES / BLOCK; block += 2) {
            disk.allocate(block * BLOCK, BLOCK, ZERO_HOLE);
            Arrays.fill(content, block * BLOCK, (block + 1) * BLOCK, (byte) 0);
        }
        disk.fill(0, content);
        client.ask(NbdCommand.READ, 7, 0, DISK_BYTES);
        List<Chunk> chunks = client.chunks(7, 0);
        assertThat(chunks).hasSize(SparseRead.MAXIMUM_EXTENTS);
        assertThat(assemble(chunks, 0, DISK_BYTES)).isEqualTo(content);
    }

    @Test
    void a_device_that_cannot_tell_its_holes_is_read() throws IOException {
        disk.fill(0, pattern(1 << 17, 4));
        disk.hold();
        client.ask(NbdCommand.READ, 7, 0, 1 << 17);
        TestServer.await("the question is held", () -> disk.heldCount() == 1);
        disk.failWith(ErrorCode.IO);
        disk.releaseOne();
        TestServer.await("the read is held", () -> disk.heldCount() == 1);
        disk.failWith(null);
        disk.release();
        assertThat(assemble(client.chunks(7, 0), 0, 1 << 17)).isEqualTo(pattern(1 << 17, 4));
    }

    @Test
    void a_full_disk_is_asked_for_its_zeros_less_often() throws IOException {
        int patience = SparseHunch.PATIENCE;
        for (int cookie = 0; cookie < 2 * patience; cookie++) {
            client.ask(NbdCommand.READ, cookie, 0, 1 << 16).chunks(cookie, 0);
        }
        assertThat(disk.requests).hasValue(2 * patience + patience + 1);
        disk.allocate(0, 1 << 16, ZERO_HOLE);
        List<Integer> types = new ArrayList<>();
        for (int cookie = 0; cookie < patience + 1; cookie++) {
            client.ask(NbdCommand.READ, cookie, 0, 1 << 16);
            types.addAll(types(client.chunks(cookie, 0)));
        }
        assertThat(types).endsWith(ChunkWriter.TYPE_OFFSET_HOLE, ChunkWriter.TYPE_OFFSET_HOLE);
    }

    @Test
    void an_unfragmented_read_sends_its_zeros() throws IOException {
        disk.allocate(0, DISK_BYTES, ZERO_HOLE);
        for (int length : new int[] {1, 65_536, DISK_BYTES}) {
            client.ask(CommandFlags.DF, NbdCommand.READ, 7, 0, length);
            List<Chunk> chunks = client.chunks(7, 0);
            assertThat(types(chunks)).containsExactly(ChunkWriter.TYPE_OFFSET_DATA);
            assertThat(assemble(chunks, 0, length)).containsOnly(0);
        }
    }

    @Test
    void a_read_longer_than_the_maximum_overflows() throws IOException {
        restart(
                new TestDisk(new Geometry(DISK_BYTES, 1, 4096, 65536), Features.LIVE),
                NbdLimits.DEFAULT);
        client.ask(NbdCommand.READ, 1, 0, 65537).expect(1, 0, NbdError.EOVERFLOW);
        client.ask(CommandFlags.DF, NbdCommand.READ, 2, 0, 65537);
        client.expect(2, 0, NbdError.EOVERFLOW);
        client.ask(CommandFlags.DF, NbdCommand.READ, 3, 0, 65536);
        assertThat(assemble(client.chunks(3, 0), 0, 65536)).containsOnly(0);
        expectUsable();
    }

    @Test
    void an_error_on_a_read_is_a_chunk_with_a_text() throws IOException {
        client.ask(NbdCommand.READ, 1, DISK_BYTES, 1).expect(1, DISK_BYTES, NbdError.EINVAL);
        client.ask(CommandFlags.NO_HOLE, NbdCommand.READ, 2, 0, 1);
        client.expect(2, 0, NbdError.EINVAL);
        disk.failWith(ErrorCode.IO);
        client.ask(NbdCommand.READ, 3, 8, 512);
        Chunk chunk = client.chunk(8);
        assertThat(chunk.type()).isEqualTo(ChunkWriter.TYPE_ERROR);
        assertThat(chunk.payload().getInt(0)).isEqualTo(NbdError.EIO.value());
        assertThat(chunk.text()).isEqualTo("told to fail with IO");
    }

    @Test
    void a_read_that_fails_half_way_tells_where_and_sends_the_rest() throws IOException {
        byte[] content = pattern(DISK_BYTES, 5);
        Arrays.fill(content, 16 * BLOCK, 32 * BLOCK, (byte) 0);
        disk.fill(0, content);
        disk.allocate(16 * BLOCK, 16 * BLOCK, ZERO_HOLE);
        disk.failReads(40 * BLOCK, 41 * BLOCK);
        client.ask(NbdCommand.READ, 9, 0, DISK_BYTES);
        List<Chunk> chunks = new ArrayList<>(client.chunks(9, 0));
        Chunk error =
                chunks.stream()
                        .filter(chunk -> chunk.type() == ChunkWriter.TYPE_ERROR_OFFSET)
                        .findFirst()
                        .orElseThrow();
        assertThat(error.payload().getInt(0)).isEqualTo(NbdError.EIO.value());
        assertThat(error.text()).isEqualTo("a bad sector");
        assertThat(error.payload().getLong(error.payload().limit() - 8)).isEqualTo(32 * BLOCK);
        chunks.remove(error);
        assertThat(assemble(chunks, 0, 32 * BLOCK)).isEqualTo(Arrays.copyOf(content, 32 * BLOCK));
        expectUsable();
    }

    // ---- other commands

    @Test
    void commands_without_data_are_answered_by_a_chunk_of_nothing() throws IOException {
        client.write(0, 1, 5, new byte[] {1, 2, 3}).expect(1, 5, NbdError.OK);
        client.ask(NbdCommand.FLUSH, 2, 0, 0).expect(2, 0, NbdError.OK);
        client.ask(NbdCommand.TRIM, 3, 6, 1).expect(3, 6, NbdError.OK);
        client.ask(CommandFlags.FAST_ZERO, NbdCommand.WRITE_ZEROES, 4, 7, 1);
        client.expect(4, 7, NbdError.OK);
        assertThat(disk.content(5, 3)).containsExactly(1, 0, 0);
    }

    @Test
    void cache_warms_the_range() throws IOException {
        client.ask(NbdCommand.CACHE, 1, 4096, 8192).expect(1, 4096, NbdError.OK);
        assertThat(disk.lastPrefetch()).isEqualTo("4096+8192");
        client.ask(NbdCommand.CACHE, 2, DISK_BYTES, 1).expect(2, DISK_BYTES, NbdError.EINVAL);
        client.ask(CommandFlags.DF, NbdCommand.CACHE, 3, 0, 1).expect(3, 0, NbdError.EINVAL);
        expectUsable();
    }

    @Test
    void requests_of_length_zero_succeed_and_a_question_about_nothing_is_invalid()
            throws IOException {
        client.ask(NbdCommand.READ, 1, 0, 0).expect(1, 0, NbdError.OK);
        client.write(0, 2, DISK_BYTES, new byte[0]).expect(2, DISK_BYTES, NbdError.OK);
        client.ask(NbdCommand.TRIM, 3, 5, 0).expect(3, 5, NbdError.OK);
        client.ask(NbdCommand.WRITE_ZEROES, 4, 5, 0).expect(4, 5, NbdError.OK);
        client.ask(NbdCommand.CACHE, 5, 5, 0).expect(5, 5, NbdError.OK);
        client.ask(NbdCommand.BLOCK_STATUS, 6, 5, 0).expect(6, 5, NbdError.EINVAL);
        expectUsable();
    }

    @Test
    void a_refused_write_has_its_payload_read_past() throws IOException {
        client.write(0, 1, DISK_BYTES - 1, new byte[100_000]);
        client.expect(1, DISK_BYTES - 1, NbdError.ENOSPC);
        client.write(CommandFlags.REQ_ONE, 2, 0, new byte[100_000]).expect(2, 0, NbdError.EINVAL);
        restart(new TestDisk(Geometry.ofSize(DISK_BYTES), Features.READ_ONLY), NbdLimits.DEFAULT);
        client.write(0, 3, 0, new byte[100_000]).expect(3, 0, NbdError.EPERM);
        client.ask(NbdCommand.TRIM, 4, 0, 1).expect(4, 0, NbdError.EPERM);
        assertThat(disk.requests).hasValue(0);
        expectUsable();
    }

    @Test
    void block_status_without_selected_contexts_is_invalid() throws IOException {
        client.ask(NbdCommand.BLOCK_STATUS, 1, 0, 512).expect(1, 0, NbdError.EINVAL);
        expectUsable();
    }

    @Test
    void no_more_requests_are_taken_than_the_limit() throws IOException {
        restart(new TestDisk(DISK_BYTES), NbdLimits.DEFAULT.withInFlight(10, 1 << 30));
        disk.hold();
        for (int cookie = 0; cookie < 100; cookie++) {
            client.ask(NbdCommand.READ, cookie, 0, 1 << 17);
        }
        TestServer.await("ten are held", () -> disk.heldCount() == 10);
        try (RawClient other = server.connect()) {
            other.greet().option(Handshake.OPTION_LIST).optionReplies();
        }
        assertThat(disk.heldCount()).isEqualTo(10);
        disk.release();
        int replies = 0;
        while (replies < 100) {
            replies += client.chunk(0).done() ? 1 : 0;
        }
        expectUsable();
    }

    // ---- ends

    @Test
    void a_stopping_server_finishes_reads_in_parts_and_hangs_up_on_the_rest() throws IOException {
        disk.allocate(0, 16 * BLOCK, ZERO_HOLE);
        disk.hold();
        client.ask(NbdCommand.READ, 1, 0, DISK_BYTES);
        TestServer.await("the question is held", () -> disk.heldCount() == 1);
        disk.releaseOne();
        TestServer.await("the rest is held", () -> disk.heldCount() == 1);
        CompletableFuture<Void> stopped = server.server.stop(Duration.ofSeconds(30));
        List<Chunk> chunks = new ArrayList<>();
        chunks.add(client.chunk(0)); // the hole was told at once
        client.ask(NbdCommand.READ, 2, 0, 16);
        disk.release();
        chunks.addAll(client.chunks(1, 0));
        assertThat(assemble(chunks, 0, DISK_BYTES)).containsOnly(0);
        client.expectEnd();
        client.close();
        stopped.join();
    }

    @Test
    void a_client_that_goes_amid_a_read_in_parts_leaves_nothing_behind() throws IOException {
        disk.allocate(16 * BLOCK, 16 * BLOCK, ZERO_HOLE);
        disk.hold();
        client.ask(NbdCommand.READ, 1, 0, DISK_BYTES).ask(NbdCommand.READ, 2, 0, DISK_BYTES);
        TestServer.await("both questions are held", () -> disk.heldCount() == 2);
        disk.releaseOne();
        TestServer.await("a question and two parts are held", () -> disk.heldCount() == 3);
        client.reset();
        try (RawClient other = server.connect()) {
            other.greet().option(Handshake.OPTION_LIST).optionReplies();
        }
        assertThat(server.catalog.open).hasValue(1);
        disk.release();
        TestServer.await("the export is closed", () -> server.catalog.open.get() == 0);
    }

    @Test
    void the_magic_of_the_other_form_ends_the_connection() throws IOException {
        ByteBuffer other =
                form == ReplyForm.EXTENDED
                        ? RawClient.request(0, 3, 1, 0, 0)
                        : RawClient.extended(0, 3, 1, 0, 0);
        // At once: the server may have hung up before anything more is sent.
        client.send(ByteBuffer.allocate(64).put(other).rewind()).expectClosed();
    }
}
