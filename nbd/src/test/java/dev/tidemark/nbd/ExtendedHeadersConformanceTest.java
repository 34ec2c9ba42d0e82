package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.nbd.RawClient.Chunk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Holds extended headers to their extension of the protocol, packet by packet. */
@ParameterizedClass
@EnumSource(TestServer.Kind.class)
@Timeout(60)
final class ExtendedHeadersConformanceTest {
    private static final int DISK_BYTES = 1 << 20;
    private static final long VAST_BYTES = 1L << 50;
    private static final int PAYLOAD_LEN = CommandFlags.PAYLOAD_LEN;
    private static final String ALLOCATION = "base:allocation";
    private static final String WIDE = "x-test:last-write";

    @Parameter TestServer.Kind kind = TestServer.Kind.TCP;

    private final TestDisk disk = new TestDisk(DISK_BYTES);
    private final VastDisk vast = new VastDisk(VAST_BYTES);
    private TestServer server;
    private RawClient client;

    @BeforeEach
    void connect() throws IOException {
        TestCatalog catalog =
                new TestCatalog()
                        .add("disk", disk)
                        .add("vast", vast)
                        .addContext(
                                WIDE,
                                true,
                                (offset, length, count, done) ->
                                        done.succeeded(
                                                RangeStatus.uniform(offset, length, 1L << 40)));
        server = new TestServer(kind, catalog, NbdLimits.DEFAULT);
        client = server.connect();
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
    }

    private void enter(String export, String... contexts) throws IOException {
        client.agree(ReplyForm.EXTENDED);
        client.contexts(Handshake.OPTION_SET_META_CONTEXT, export, contexts);
        client.enter(export);
    }

    private void expectUsable() throws IOException {
        client.ask(NbdCommand.FLUSH, 4711, 0, 0).expect(4711, 0, NbdError.OK);
    }

    private static byte[] filter(long length, int... ids) {
        ByteBuffer payload = ByteBuffer.allocate(8 + 4 * ids.length).putLong(length);
        for (int id : ids) {
            payload.putInt(id);
        }
        return payload.array();
    }

    private void askFiltered(long cookie, long offset, byte[] payload) throws IOException {
        client.ask(PAYLOAD_LEN, NbdCommand.BLOCK_STATUS, cookie, offset, payload.length);
        client.send(payload);
    }

    private int flags(String export) throws IOException {
        client.option(Handshake.OPTION_INFO, RawClient.information(export));
        return client.optionReplies().getFirst().payload().getShort(10);
    }

    // ---- options

    @Test
    void structured_replies_after_extended_headers_are_refused() throws IOException {
        client.agree(ReplyForm.EXTENDED).option(Handshake.OPTION_STRUCTURED_REPLY);
        assertThat(client.optionReply().type())
                .isEqualTo(Handshake.ERROR_EXTENDED_HEADERS_REQUIRED);
        client.enter("disk");
        expectUsable();
    }

    @Test
    void extended_headers_after_structured_replies_take_precedence() throws IOException {
        client.agree(ReplyForm.STRUCTURED).option(Handshake.OPTION_EXTENDED_HEADERS);
        assertThat(client.optionReply().type()).isEqualTo(Handshake.REPLY_ACK);
        client.option(Handshake.OPTION_GO, RawClient.information("disk")).optionReplies();
        client.send(RawClient.extended(0, NbdCommand.FLUSH.code(), 9, 8, 0));
        assertThat(client.receiveHex(32))
                .isEqualTo(
                        "6e8a278c00010000"
                                + "0000000000000009"
                                + "0000000000000008"
                                + "0000000000000000");
    }

    @Test
    void export_name_after_extended_headers_ends_the_connection() throws IOException {
        client.agree(ReplyForm.EXTENDED)
                .option(Handshake.OPTION_EXPORT_NAME, "disk".getBytes(StandardCharsets.US_ASCII));
        client.expectClosed();
    }

    @Test
    void flags_follow_what_was_agreed_on() throws IOException {
        int extra = TransmissionFlags.SEND_DF | TransmissionFlags.BLOCK_STATUS_PAYLOAD;
        client.greet();
        assertThat(flags("disk") & extra).isZero();
        client.option(Handshake.OPTION_STRUCTURED_REPLY).optionReply();
        assertThat(flags("disk") & extra).isEqualTo(TransmissionFlags.SEND_DF);
        client.option(Handshake.OPTION_EXTENDED_HEADERS).optionReply();
        assertThat(flags("disk") & extra).isEqualTo(TransmissionFlags.SEND_DF);
        client.contexts(Handshake.OPTION_SET_META_CONTEXT, "disk", ALLOCATION);
        assertThat(flags("disk") & extra).isEqualTo(extra);
        assertThat(flags("vast") & extra).isEqualTo(TransmissionFlags.SEND_DF);
    }

    // ---- 64-bit lengths

    @Test
    void trim_and_zeroes_take_the_whole_disk_in_one() throws IOException {
        enter("vast");
        client.ask(NbdCommand.TRIM, 1, 0, VAST_BYTES).expect(1, 0, NbdError.OK);
        assertThat(vast.last).isEqualTo("deallocate 0+" + VAST_BYTES);
        client.ask(CommandFlags.NO_HOLE, NbdCommand.WRITE_ZEROES, 2, 1, VAST_BYTES - 1);
        client.expect(2, 1, NbdError.OK);
        assertThat(vast.last).isEqualTo("keep 1+" + (VAST_BYTES - 1));
        client.ask(NbdCommand.CACHE, 3, 0, VAST_BYTES).expect(3, 0, NbdError.OK);
        assertThat(vast.last).isEqualTo("warm 0+" + VAST_BYTES);
    }

    @Test
    void block_status_tells_the_whole_disk_in_one() throws IOException {
        enter("vast", ALLOCATION, WIDE);
        client.ask(NbdCommand.BLOCK_STATUS, 1, 0, VAST_BYTES);
        List<Chunk> chunks = client.chunks(1, 0);
        assertThat(chunks).hasSize(2);
        long[] numbers = {Allocation.HOLE | Allocation.ZERO, 1L << 40};
        for (int index = 0; index < 2; index++) {
            ByteBuffer payload = chunks.get(index).payload();
            assertThat(chunks.get(index).type()).isEqualTo(ChunkWriter.TYPE_BLOCK_STATUS_EXT);
            assertThat(payload.getInt()).isEqualTo(index + 1);
            assertThat(payload.getInt()).isEqualTo(1);
            assertThat(payload.getLong()).isEqualTo(VAST_BYTES);
            assertThat(payload.getLong()).isEqualTo(numbers[index]);
            assertThat(payload.hasRemaining()).isFalse();
        }
    }

    @Test
    void lengths_beyond_the_disk_or_below_zero_are_refused() throws IOException {
        enter("disk", ALLOCATION);
        for (long length : new long[] {DISK_BYTES + 1L, 1L << 40, Long.MAX_VALUE, -1, -512}) {
            client.ask(NbdCommand.TRIM, 1, 0, length).expect(1, 0, NbdError.EINVAL);
            client.ask(NbdCommand.WRITE_ZEROES, 2, 0, length).expect(2, 0, NbdError.ENOSPC);
            client.ask(NbdCommand.BLOCK_STATUS, 3, 0, length).expect(3, 0, NbdError.EINVAL);
            client.ask(NbdCommand.CACHE, 4, 0, length).expect(4, 0, NbdError.EINVAL);
        }
        client.ask(NbdCommand.READ, 5, 0, 1L << 40).expect(5, 0, NbdError.EOVERFLOW);
        client.ask(NbdCommand.READ, 6, 0, -1).expect(6, 0, NbdError.EOVERFLOW);
        assertThat(disk.requests).hasValue(0);
        expectUsable();
    }

    // ---- payloads

    @Test
    void a_write_has_its_payload_with_and_without_the_flag() throws IOException {
        enter("disk");
        // As QEMU 10 sends it.
        client.ask(0, NbdCommand.WRITE, 1, 0, 3).send(new byte[] {4, 5, 6});
        client.expect(1, 0, NbdError.OK);
        assertThat(disk.content(0, 3)).containsExactly(4, 5, 6);
        client.write(0, 2, 0, new byte[] {1, 2, 3}).expect(2, 0, NbdError.OK);
        assertThat(disk.content(0, 3)).containsExactly(1, 2, 3);
        assertThat(disk.writes).hasValue(2);
    }

    @Test
    void a_payload_where_none_belongs_is_read_past() throws IOException {
        enter("disk");
        for (NbdCommand command :
                new NbdCommand[] {
                    NbdCommand.READ, NbdCommand.TRIM, NbdCommand.FLUSH, NbdCommand.BLOCK_STATUS
                }) {
            client.ask(PAYLOAD_LEN, command, 1, 0, 100_000).send(new byte[100_000]);
            client.expect(1, 0, NbdError.EINVAL);
        }
        client.send(RawClient.extended(PAYLOAD_LEN, 99, 2, 0, 5)).send(new byte[5]);
        client.expect(2, 0, NbdError.EINVAL);
        assertThat(disk.requests).hasValue(0);
        expectUsable();
    }

    @Test
    void a_payload_longer_than_any_maximum_ends_the_connection() throws IOException {
        enter("disk");
        client.ask(PAYLOAD_LEN, NbdCommand.READ, 1, 0, 32L << 20).send(new byte[32 << 20]);
        client.expect(1, 0, NbdError.EINVAL);
        client.ask(PAYLOAD_LEN, NbdCommand.READ, 1, 0, (32L << 20) + 1);
        client.expectClosed();
        try (RawClient other = server.connect().agree(ReplyForm.EXTENDED).enter("disk")) {
            other.ask(PAYLOAD_LEN, NbdCommand.WRITE, 1, 0, -1).expectClosed();
        }
    }

    // ---- filtered block status

    @Test
    void a_filter_limits_the_reply_to_the_contexts_it_names() throws IOException {
        enter("disk", ALLOCATION, WIDE);
        askFiltered(1, 512, filter(1024, 2));
        List<Chunk> chunks = client.chunks(1, 512);
        assertThat(chunks).hasSize(1);
        ByteBuffer payload = chunks.getFirst().payload();
        assertThat(payload.getInt()).isEqualTo(2);
        assertThat(payload.getInt()).isEqualTo(1);
        assertThat(payload.getLong()).isEqualTo(1024);
        assertThat(payload.getLong()).isEqualTo(1L << 40);
        askFiltered(2, 0, filter(DISK_BYTES, 2, 1));
        assertThat(client.chunks(2, 0)).hasSize(2);
    }

    @Test
    void a_filter_with_unknown_or_repeated_contexts_is_invalid() throws IOException {
        enter("disk", ALLOCATION, WIDE);
        for (byte[] payload :
                new byte[][] {
                    filter(512, 3),
                    filter(512, 0),
                    filter(512, 1, 1),
                    filter(512),
                    filter(512, 1, 2, 1),
                    filter(0, 1),
                    filter(DISK_BYTES + 1, 1),
                    filter(-1, 1),
                    new byte[1],
                    new byte[13],
                    new byte[100_000]
                }) {
            askFiltered(1, 0, payload);
            client.expect(1, 0, NbdError.EINVAL);
        }
        askFiltered(2, 0, filter(512, 1));
        assertThat(client.chunks(2, 0)).hasSize(1);
        expectUsable();
    }

    @Test
    void replies_carry_the_offset_of_their_request() throws IOException {
        enter("disk");
        client.ask(NbdCommand.READ, 1, -5, 1).expect(1, -5, NbdError.EINVAL);
        client.ask(NbdCommand.TRIM, 2, 77, 1).expect(2, 77, NbdError.OK);
        expectUsable();
    }
}
