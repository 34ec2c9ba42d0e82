package dev.tidemark.nbd;

import static dev.tidemark.nbd.RawClient.queries;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.nbd.RawClient.Chunk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds metadata contexts and block status to the protocol, in both forms of reply. */
@ParameterizedClass
@MethodSource("dev.tidemark.nbd.ChunkedConformanceTest#transportsAndForms")
@Timeout(60)
final class MetaContextConformanceTest {
    private static final int DISK_BYTES = 1 << 20;
    private static final int BLOCK = TestDisk.BLOCK_BYTES;
    private static final int LIST = Handshake.OPTION_LIST_META_CONTEXT;
    private static final int SET = Handshake.OPTION_SET_META_CONTEXT;
    private static final String ALLOCATION = "base:allocation";
    private static final String DIRTY = "qemu:dirty-bitmap:monday";
    private static final String WIDE = "x-test:last-write";
    private static final String GONE = "x-test:gone";
    private static final String BROKEN = "x-test:broken";
    private static final String ACK = "1";

    @Parameter(0)
    TestServer.Kind kind = TestServer.Kind.TCP;

    @Parameter(1)
    ReplyForm form = ReplyForm.STRUCTURED;

    private final TestDisk disk = new TestDisk(DISK_BYTES);
    private final TestCatalog catalog = new TestCatalog();
    private TestServer server;
    private RawClient client;

    @BeforeEach
    void connect() throws IOException {
        catalog.add("disk", disk)
                .add("other", new TestDisk(4096))
                .addContext(
                        DIRTY,
                        false,
                        (offset, length, count, done) ->
                                done.succeeded(RangeStatus.uniform(offset, length, 1)))
                .addContext(
                        WIDE,
                        true,
                        (offset, length, count, done) ->
                                done.succeeded(RangeStatus.uniform(offset, length, 1L << 40)))
                .addContext(GONE, false, null)
                .addContext(
                        BROKEN,
                        false,
                        (offset, length, count, done) ->
                                done.failed(
                                        new BlockDeviceException(
                                                ErrorCode.IO, "the index is damaged")));
        server = new TestServer(kind, catalog, NbdLimits.DEFAULT);
        client = server.connect();
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
    }

    private void expectError(int error) throws IOException {
        RawClient.OptionReply reply = client.optionReply();
        assertThat(Integer.toHexString(reply.type())).isEqualTo(Integer.toHexString(error));
        assertThat(reply.text()).isNotBlank();
    }

    /** Context, then length and number of each extent. */
    private List<Long> extents(Chunk chunk) {
        ByteBuffer payload = chunk.payload();
        List<Long> extents = new ArrayList<>();
        extents.add((long) payload.getInt());
        if (form == ReplyForm.EXTENDED) {
            assertThat(chunk.type()).isEqualTo(6);
            assertThat(payload.getInt()).isEqualTo(payload.remaining() / 16);
        } else {
            assertThat(chunk.type()).isEqualTo(5);
        }
        while (payload.hasRemaining()) {
            boolean wide = form == ReplyForm.EXTENDED;
            extents.add(wide ? payload.getLong() : payload.getInt());
            extents.add(wide ? payload.getLong() : payload.getInt());
        }
        return extents;
    }

    private List<List<Long>> ask(int flags, long offset, long length) throws IOException {
        client.ask(flags, NbdCommand.BLOCK_STATUS, 5, offset, length);
        return client.chunks(5, offset).stream().map(this::extents).toList();
    }

    // ---- LIST and SET

    @Test
    void without_structured_replies_contexts_are_invalid() throws IOException {
        client.greet().option(SET, queries("disk", ALLOCATION));
        expectError(Handshake.ERROR_INVALID);
        client.option(LIST, queries("disk"));
        expectError(Handshake.ERROR_INVALID);
        client.option(Handshake.OPTION_LIST).optionReplies();
    }

    @Test
    void a_list_without_queries_shows_everything_the_client_can_read() throws IOException {
        client.agree(form);
        List<String> contexts = client.contexts(LIST, "disk");
        assertThat(contexts).startsWith("0=" + ALLOCATION).contains("0=" + DIRTY).endsWith(ACK);
        assertThat(contexts.contains("0=" + WIDE)).isEqualTo(form == ReplyForm.EXTENDED);
    }

    @Test
    void a_list_may_ask_with_wildcards() throws IOException {
        client.agree(form);
        assertThat(client.contexts(LIST, "disk", "base:")).containsExactly("0=" + ALLOCATION, ACK);
        assertThat(client.contexts(LIST, "disk", "qemu:")).containsExactly("0=" + DIRTY, ACK);
        assertThat(client.contexts(LIST, "disk", "qemu:dirty-bitmap:"))
                .containsExactly("0=" + DIRTY, ACK);
        assertThat(client.contexts(LIST, "disk", ALLOCATION, "base:", DIRTY))
                .containsExactly("0=" + ALLOCATION, "0=" + DIRTY, ACK);
    }

    @Test
    void set_numbers_what_it_selects() throws IOException {
        client.agree(form);
        assertThat(client.contexts(SET, "disk", ALLOCATION, DIRTY, ALLOCATION))
                .containsExactly("1=" + ALLOCATION, "2=" + DIRTY, ACK);
        assertThat(client.contexts(SET, "disk")).containsExactly(ACK);
    }

    @Test
    void unknown_names_and_wildcards_select_nothing() throws IOException {
        client.agree(form);
        assertThat(client.contexts(SET, "disk", "nobody:knows", "base:", "base:unknown", "qemu:"))
                .containsExactly(ACK);
        assertThat(client.contexts(LIST, "disk", "nobody:", "nobody:knows")).containsExactly(ACK);
    }

    @Test
    void wide_contexts_are_for_extended_headers_only() throws IOException {
        client.agree(form);
        List<String> selected = client.contexts(SET, "disk", WIDE);
        assertThat(selected.size()).isEqualTo(form == ReplyForm.EXTENDED ? 2 : 1);
        assertThat(selected.getLast()).isEqualTo(ACK);
    }

    @Test
    void contexts_of_an_unknown_export_are_an_error() throws IOException {
        client.agree(form).option(SET, queries("nothing", ALLOCATION));
        expectError(Handshake.ERROR_UNKNOWN);
        client.option(LIST, queries("nothing"));
        expectError(Handshake.ERROR_UNKNOWN);
        client.enter("disk");
    }

    @Test
    void queries_that_do_not_add_up_are_invalid() throws IOException {
        client.agree(form);
        byte[] sound = queries("disk", ALLOCATION);
        for (int cut : new int[] {2, 4, 6, 8, 10, 12, 14, 16, sound.length - 1}) {
            client.option(SET, Arrays.copyOf(sound, cut));
            expectError(Handshake.ERROR_INVALID);
        }
        client.option(LIST, Arrays.copyOf(sound, sound.length + 1));
        expectError(Handshake.ERROR_INVALID);
        byte[] greedy = sound.clone();
        greedy[12] = -1; // the query's length
        client.option(SET, greedy);
        expectError(Handshake.ERROR_INVALID);
        client.option(SET, queries("disk", "no colon"));
        expectError(Handshake.ERROR_INVALID);
        client.option(SET, queries("disk", ":nothing"));
        expectError(Handshake.ERROR_INVALID);
        client.enter("disk");
    }

    @Test
    void too_many_queries_or_contexts_are_too_big() throws IOException {
        client.agree(form);
        String[] many =
                IntStream.rangeClosed(0, MetaContextParser.MAXIMUM_QUERIES)
                        .mapToObj(index -> "x-many:" + index)
                        .toArray(String[]::new);
        client.option(LIST, queries("disk", many));
        expectError(Handshake.ERROR_TOO_BIG);
        for (String name : many) {
            catalog.addContext(
                    name,
                    false,
                    (offset, length, count, done) ->
                            done.succeeded(RangeStatus.uniform(offset, length, 0)));
        }
        int most = MetaContextOption.MAXIMUM_CONTEXTS;
        client.option(SET, queries("disk", Arrays.copyOf(many, most + 1)));
        expectError(Handshake.ERROR_TOO_BIG);
        assertThat(client.contexts(SET, "disk", Arrays.copyOf(many, most))).hasSize(most + 1);
        client.enter("disk");
        assertThat(ask(0, 0, 512)).hasSize(most);
    }

    @Test
    void a_list_ends_somewhere() throws IOException {
        for (int index = 0; index < MetaContextOption.MAXIMUM_LISTED + 10; index++) {
            catalog.addContext("x-many:" + index, false, null);
        }
        client.agree(form);
        assertThat(client.contexts(LIST, "disk", "x-many:"))
                .hasSize(MetaContextOption.MAXIMUM_LISTED + 1)
                .endsWith(ACK);
    }

    @Test
    void a_set_that_fails_clears_what_was_selected() throws IOException {
        client.agree(form).contexts(SET, "disk", ALLOCATION);
        client.option(SET, new byte[3]);
        expectError(Handshake.ERROR_INVALID);
        client.enter("disk");
        client.ask(NbdCommand.BLOCK_STATUS, 1, 0, 512).expect(1, 0, NbdError.EINVAL);
    }

    @Test
    void a_set_that_is_too_big_to_read_clears_what_was_selected() throws IOException {
        client.agree(form).contexts(SET, "disk", ALLOCATION);
        client.option(SET, new byte[Handshake.MAXIMUM_OPTION_BYTES + 1]);
        expectError(Handshake.ERROR_TOO_BIG);
        client.enter("disk");
        client.ask(NbdCommand.BLOCK_STATUS, 1, 0, 512).expect(1, 0, NbdError.EINVAL);
    }

    @Test
    void contexts_selected_for_another_export_are_void() throws IOException {
        client.agree(form).contexts(SET, "other", ALLOCATION);
        client.enter("disk");
        client.ask(NbdCommand.BLOCK_STATUS, 1, 0, 512).expect(1, 0, NbdError.EINVAL);
    }

    @Test
    void contexts_are_opened_with_the_export_and_closed_with_it() throws IOException {
        client.agree(form).contexts(SET, "disk", DIRTY, ALLOCATION);
        assertThat(catalog.openContexts).hasValue(0);
        client.enter("disk");
        assertThat(catalog.openContexts).hasValue(1);
        client.close();
        TestServer.await("all is closed", () -> catalog.openContexts.get() == 0);
    }

    @Test
    void a_context_that_cannot_be_opened_refuses_go_with_its_reason() throws IOException {
        client.agree(form).contexts(SET, "disk", DIRTY, GONE);
        client.option(Handshake.OPTION_GO, RawClient.information("disk"));
        RawClient.OptionReply reply = client.optionReply();
        assertThat(reply.type()).isEqualTo(Handshake.ERROR_POLICY);
        assertThat(reply.text()).isEqualTo("context " + GONE + " is gone");
        assertThat(catalog.openContexts).hasValue(0);
        assertThat(catalog.open).hasValue(0);
        client.contexts(SET, "disk", DIRTY);
        client.enter("disk");
    }

    // ---- BLOCK_STATUS

    private void enter(String... contexts) throws IOException {
        disk.allocate(4 * BLOCK, 4 * BLOCK, Allocation.HOLE | Allocation.ZERO);
        client.agree(form).contexts(SET, "disk", contexts);
        client.enter("disk");
    }

    @Test
    void allocation_is_told_extent_by_extent() throws IOException {
        enter(ALLOCATION);
        assertThat(ask(0, 0, DISK_BYTES))
                .containsExactly(
                        List.of(
                                1L,
                                4L * BLOCK,
                                0L,
                                4L * BLOCK,
                                3L,
                                (long) DISK_BYTES - 8 * BLOCK,
                                0L));
        assertThat(ask(0, 5 * BLOCK + 1, 1)).containsExactly(List.of(1L, 1L, 3L));
    }

    @Test
    void every_selected_context_answers() throws IOException {
        enter(DIRTY, ALLOCATION);
        assertThat(ask(0, 4 * BLOCK, BLOCK))
                .containsExactlyInAnyOrder(
                        List.of(1L, (long) BLOCK, 1L), List.of(2L, (long) BLOCK, 3L));
    }

    @Test
    void one_extent_is_told_when_one_is_asked_for() throws IOException {
        enter(ALLOCATION);
        assertThat(ask(CommandFlags.REQ_ONE, BLOCK, DISK_BYTES - BLOCK))
                .containsExactly(List.of(1L, 3L * BLOCK, 0L));
        assertThat(ask(CommandFlags.REQ_ONE, BLOCK, 512)).containsExactly(List.of(1L, 512L, 0L));
    }

    @Test
    void the_number_of_extents_is_limited() throws IOException {
        int extents = StatusQuery.MAXIMUM_EXTENTS + 10;
        catalog.addContext(
                DIRTY,
                false,
                (offset, length, count, done) -> {
                    RangeStatus.Builder status = new RangeStatus.Builder(offset, count);
                    for (int index = 0; index < extents && status.add(1, index % 2); index++) {}
                    done.succeeded(status.build());
                });
        enter(DIRTY);
        assertThat(ask(0, 0, extents).getFirst()).hasSize(1 + 2 * StatusQuery.MAXIMUM_EXTENTS);
    }

    @Test
    void questions_out_of_range_are_invalid() throws IOException {
        enter(ALLOCATION);
        client.ask(NbdCommand.BLOCK_STATUS, 1, DISK_BYTES, 1);
        client.expect(1, DISK_BYTES, NbdError.EINVAL);
        client.ask(NbdCommand.BLOCK_STATUS, 2, DISK_BYTES - 1, 2);
        client.expect(2, DISK_BYTES - 1, NbdError.EINVAL);
        client.ask(NbdCommand.BLOCK_STATUS, 3, 0, 0xffff_ffffL).expect(3, 0, NbdError.EINVAL);
        client.ask(NbdCommand.BLOCK_STATUS, 4, -512, 512).expect(4, -512, NbdError.EINVAL);
        assertThat(ask(0, DISK_BYTES - 1, 1)).containsExactly(List.of(1L, 1L, 0L));
    }

    @Test
    void a_context_that_fails_ends_the_reply_with_its_error() throws IOException {
        enter(BROKEN, ALLOCATION);
        client.ask(NbdCommand.BLOCK_STATUS, 1, 0, 512);
        List<Chunk> chunks = client.chunks(1, 0);
        assertThat(chunks).hasSize(2);
        assertThat(extents(chunks.getFirst())).containsExactly(2L, 512L, 0L);
        assertThat(chunks.getLast().type()).isEqualTo(ChunkWriter.TYPE_ERROR);
        assertThat(chunks.getLast().text()).isEqualTo("the index is damaged");
        client.ask(NbdCommand.FLUSH, 2, 0, 0).expect(2, 0, NbdError.OK);
    }

    @Test
    void questions_are_held_to_the_budget_of_the_connection() throws IOException {
        server.close();
        NbdLimits limits = NbdLimits.DEFAULT.withInFlight(100, 1);
        server = new TestServer(kind, catalog, limits);
        client = server.connect();
        enter(ALLOCATION);
        disk.hold();
        for (int cookie = 0; cookie < 5; cookie++) {
            client.ask(NbdCommand.BLOCK_STATUS, cookie, 0, 512);
        }
        TestServer.await("one is held", () -> disk.heldCount() == 1);
        try (RawClient other = server.connect()) {
            other.greet().option(Handshake.OPTION_LIST).optionReplies();
        }
        assertThat(disk.heldCount()).isEqualTo(1);
        disk.release();
        for (int cookie = 0; cookie < 5; cookie++) {
            assertThat(client.chunks(cookie, 0)).hasSize(1);
        }
    }
}
