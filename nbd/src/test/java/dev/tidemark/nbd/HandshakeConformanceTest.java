package dev.tidemark.nbd;

import static dev.tidemark.nbd.RawClient.information;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.nbd.RawClient.OptionReply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Holds the handshake to the protocol, packet by packet. */
@ParameterizedClass
@EnumSource(TestServer.Kind.class)
@Timeout(60)
final class HandshakeConformanceTest {
    private static final int DISK_BYTES = 1 << 20;
    private static final NbdLimits LIMITS = NbdLimits.DEFAULT;

    @Parameter TestServer.Kind kind = TestServer.Kind.TCP;

    private TestServer server;
    private RawClient client;

    @BeforeEach
    void connect() throws IOException {
        start(LIMITS);
    }

    private void start(NbdLimits limits) throws IOException {
        TestCatalog catalog =
                new TestCatalog()
                        .add("", new TestDisk(4096))
                        .add("disk", new TestDisk(DISK_BYTES))
                        .add(
                                "blocks",
                                new TestDisk(
                                        new Geometry(1 << 16, 4096, 4096, 1 << 20), Features.LIVE))
                        .add("frozen", new TestDisk(Geometry.ofSize(512), Features.READ_ONLY))
                        .add(
                                "slow",
                                new TestDisk(
                                        new Geometry(8192, 512, 4096, 65536),
                                        new Features(false, false, true)));
        server = new TestServer(kind, catalog, limits);
        client = server.connect();
    }

    private void restart(NbdLimits limits) throws IOException {
        stop();
        start(limits);
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
    }

    private void expectError(int error) throws IOException {
        OptionReply reply = client.optionReply();
        assertThat(Integer.toHexString(reply.type())).isEqualTo(Integer.toHexString(error));
        assertThat(reply.text()).isNotBlank();
    }

    private void expectUsable() throws IOException {
        client.option(Handshake.OPTION_GO, information("disk"));
        assertThat(client.optionReplies().getLast().type()).isEqualTo(Handshake.REPLY_ACK);
        client.ask(NbdCommand.FLUSH, 7, 0, 0);
        client.expect(7, NbdError.OK);
    }

    // ---- the greeting and the client's flags

    @Test
    void the_greeting_offers_fixed_newstyle_and_no_zeroes() throws IOException {
        assertThat(client.receiveHex(18))
                .isEqualTo("4e42444d41474943" + "49484156454f5054" + "0003");
    }

    @Test
    void a_client_with_unknown_flags_is_dropped() throws IOException {
        client.greet(7);
        client.expectClosed();
    }

    @Test
    void a_client_without_fixed_newstyle_may_only_name_an_export() throws IOException {
        client.greet(0).option(Handshake.OPTION_LIST);
        client.expectClosed();
    }

    @Test
    void wrong_option_magic_ends_the_connection() throws IOException {
        client.greet().send(new byte[16]);
        client.expectClosed();
    }

    // ---- EXPORT_NAME

    @Test
    void export_name_answers_size_flags_and_zeroes() throws IOException {
        client.greet(1).option(Handshake.OPTION_EXPORT_NAME, bytes("disk"));
        assertThat(client.receiveHex(134))
                .isEqualTo("0000000000100000" + "0d6d" + "00".repeat(124));
        client.ask(NbdCommand.FLUSH, 1, 0, 0).expect(1, NbdError.OK);
    }

    @Test
    void export_name_leaves_the_zeroes_out_when_asked() throws IOException {
        client.greet().option(Handshake.OPTION_EXPORT_NAME, bytes("disk"));
        assertThat(client.receiveHex(10)).isEqualTo("0000000000100000" + "0d6d");
        client.ask(NbdCommand.FLUSH, 1, 0, 0).expect(1, NbdError.OK);
    }

    @Test
    void export_name_of_an_unknown_export_ends_the_connection() throws IOException {
        client.greet().option(Handshake.OPTION_EXPORT_NAME, bytes("nothing"));
        client.expectClosed();
    }

    @Test
    void export_name_longer_than_4096_bytes_ends_the_connection() throws IOException {
        client.greet().option(Handshake.OPTION_EXPORT_NAME, new byte[4097]);
        client.expectClosed();
    }

    @Test
    void the_empty_name_is_the_default_export() throws IOException {
        client.greet().option(Handshake.OPTION_EXPORT_NAME);
        assertThat(client.receiveHex(10)).startsWith("0000000000001000");
    }

    // ---- unknown and oversized options

    @Test
    void an_unknown_option_is_read_past_and_unsupported() throws IOException {
        client.greet().option(77, new byte[100_000]);
        expectError(Handshake.ERROR_UNSUPPORTED);
        expectUsable();
    }

    @Test
    void options_that_take_no_data_refuse_it_and_the_session_stays_usable() throws IOException {
        client.greet();
        for (int option :
                new int[] {
                    Handshake.OPTION_LIST,
                    Handshake.OPTION_STRUCTURED_REPLY,
                    Handshake.OPTION_EXTENDED_HEADERS
                }) {
            client.option(option, bytes("data"));
            expectError(Handshake.ERROR_INVALID);
        }
        expectUsable();
    }

    @Test
    void an_option_of_four_gibibytes_ends_the_connection_without_memory() throws IOException {
        for (int option : new int[] {2, 3, 6, 7, 77}) {
            try (RawClient greedy = server.connect()) {
                greedy.greet().option(option, -1, new byte[0]);
                greedy.expectClosed();
            }
        }
        client.greet();
        expectUsable();
    }

    @Test
    void a_go_of_a_mebibyte_is_too_big_and_read_past() throws IOException {
        client.greet().option(Handshake.OPTION_GO, new byte[1 << 20]);
        expectError(Handshake.ERROR_TOO_BIG);
        expectUsable();
    }

    @Test
    void an_option_is_read_past_up_to_8_mebibytes() throws IOException {
        client.greet().option(77, new byte[8 << 20]);
        expectError(Handshake.ERROR_UNSUPPORTED);
        client.option(77, (8 << 20) + 1, new byte[0]);
        client.expectClosed();
    }

    /** Options that a client may send behind its greeting. */
    private int optionsLeft() {
        return LIMITS.maximumOptions() - (kind == TestServer.Kind.TLS ? 1 : 0);
    }

    @Test
    void the_number_of_options_is_capped() throws IOException {
        client.greet();
        for (int count = 0; count < optionsLeft(); count++) {
            client.option(77);
            expectError(Handshake.ERROR_UNSUPPORTED);
        }
        client.option(77);
        client.expectClosed();
    }

    @Test
    void who_was_shown_the_list_may_ask_about_each_export() throws IOException {
        client.greet().option(Handshake.OPTION_LIST);
        assertThat(client.optionReplies()).hasSize(6);
        for (int count = 0; count < optionsLeft() + 5 * 32 - 1; count++) {
            client.option(Handshake.OPTION_INFO, information("disk"));
            assertThat(client.optionReplies().getLast().type()).isEqualTo(Handshake.REPLY_ACK);
        }
        client.option(Handshake.OPTION_INFO, information("disk"));
        client.expectClosed();
    }

    // ---- LIST and ABORT

    @Test
    void list_shows_names_and_descriptions() throws IOException {
        client.greet().option(Handshake.OPTION_LIST);
        List<OptionReply> replies = client.optionReplies();
        assertThat(replies).hasSize(6);
        assertThat(replies.get(2).type()).isEqualTo(Handshake.REPLY_SERVER);
        assertThat(replies.get(2).text()).isEqualTo("\0\0\0\4diskabout disk");
    }

    @Test
    void list_with_data_is_invalid_and_sends_no_list() throws IOException {
        client.greet().option(Handshake.OPTION_LIST, bytes("data"));
        expectError(Handshake.ERROR_INVALID);
        expectUsable();
    }

    @Test
    void abort_is_acknowledged_and_ends_the_connection() throws IOException {
        client.greet().option(Handshake.OPTION_ABORT);
        assertThat(client.receiveHex(20))
                .isEqualTo("0003e889045565a9" + "00000002" + "00000001" + "00000000");
        client.expectClosed();
    }

    @Test
    void abort_with_data_is_acknowledged_too() throws IOException {
        client.greet().option(Handshake.OPTION_ABORT, new byte[5000]);
        assertThat(client.optionReply().type()).isEqualTo(Handshake.REPLY_ACK);
        client.expectClosed();
    }

    // ---- INFO and GO

    @Test
    void go_answers_export_name_description_and_block_size() throws IOException {
        client.greet().option(Handshake.OPTION_GO, information("disk", 1, 2, 3));
        assertThat(client.receiveHex(32))
                .isEqualTo(
                        "0003e889045565a9"
                                + "00000007"
                                + "00000003"
                                + "0000000c"
                                + "0000"
                                + "0000000000100000"
                                + "0d6d");
        assertThat(client.optionReply().text()).isEqualTo("\0\1canonical disk");
        assertThat(client.optionReply().text()).isEqualTo("\0\2about disk");
        assertThat(client.receiveHex(34))
                .isEqualTo(
                        "0003e889045565a9"
                                + "00000007"
                                + "00000003"
                                + "0000000e"
                                + "0003"
                                + "00000001"
                                + "00001000"
                                + "02000000");
        assertThat(client.receiveHex(20))
                .isEqualTo("0003e889045565a9" + "00000007" + "00000001" + "00000000");
    }

    @Test
    void name_and_description_are_sent_only_when_asked_for() throws IOException {
        client.greet().option(Handshake.OPTION_INFO, information("disk"));
        assertThat(client.optionReplies())
                .extracting(reply ->
                        reply.payload().hasRemaining() ? reply.payload().getShort(0) : (short) -1)
                .containsExactly((short) 0, (short) 3, (short) -1);
    }

    @Test
    void unknown_and_repeated_information_requests_are_ignored() throws IOException {
        client.greet().option(Handshake.OPTION_INFO, information("disk", 1, 1, 999));
        assertThat(client.optionReplies()).hasSize(4);
        expectUsable();
    }

    @Test
    void the_flags_tell_what_the_device_can_do() throws IOException {
        client.greet();
        assertThat(flags("disk")).isEqualTo(0x0d6d);
        assertThat(flags("frozen"))
                .isEqualTo(
                        TransmissionFlags.HAS_FLAGS
                                | TransmissionFlags.READ_ONLY
                                | TransmissionFlags.SEND_FLUSH
                                | TransmissionFlags.SEND_FUA
                                | TransmissionFlags.SEND_CACHE
                                | TransmissionFlags.CAN_MULTI_CONN);
        assertThat(flags("slow") & TransmissionFlags.CAN_MULTI_CONN).isZero();
        assertThat(flags("slow") & TransmissionFlags.ROTATIONAL).isNotZero();
    }

    private int flags(String name) throws IOException {
        client.option(Handshake.OPTION_INFO, information(name));
        return client.optionReplies().getFirst().payload().getShort(10);
    }

    @Test
    void an_unknown_export_is_an_error_and_the_session_stays_usable() throws IOException {
        client.greet().option(Handshake.OPTION_GO, information("nothing"));
        OptionReply reply = client.optionReply();
        assertThat(reply.type()).isEqualTo(Handshake.ERROR_UNKNOWN);
        assertThat(reply.text()).isEqualTo("no export \"nothing\"");
        expectUsable();
    }

    @Test
    void every_kind_of_open_failure_has_its_error_and_text() throws IOException {
        client.greet();
        for (ExportOpenException.Kind failure : ExportOpenException.Kind.values()) {
            server.catalog.answer(
                    "refused",
                    CompletableFuture.failedFuture(
                            new ExportOpenException(failure, "because of " + failure)));
            client.option(Handshake.OPTION_GO, information("refused"));
            OptionReply reply = client.optionReply();
            assertThat(reply.text()).isEqualTo("because of " + failure);
            assertThat(reply.type())
                    .isEqualTo(
                            switch (failure) {
                                case UNKNOWN, OTHER -> Handshake.ERROR_UNKNOWN;
                                case POLICY -> Handshake.ERROR_POLICY;
                                case SHUTDOWN -> Handshake.ERROR_SHUTDOWN;
                                case TLS_REQUIRED ->
                                        kind == TestServer.Kind.TLS
                                                ? Handshake.ERROR_POLICY
                                                : Handshake.ERROR_TLS_REQUIRED;
                            });
        }
        expectUsable();
    }

    @Test
    void a_name_longer_than_the_option_is_invalid() throws IOException {
        client.greet();
        client.option(Handshake.OPTION_GO, new byte[] {0, 0, 1, 0, 'd', 'i', 's', 'k', 0, 0});
        expectError(Handshake.ERROR_INVALID);
        client.option(Handshake.OPTION_GO, new byte[] {-1, -1, -1, -1, 'd', 'i', 's', 'k', 0, 0});
        expectError(Handshake.ERROR_INVALID);
        // Ends within the count behind it.
        client.option(Handshake.OPTION_GO, new byte[] {0, 0, 0, 5, 'd', 'i', 's', 'k', 's', 0});
        expectError(Handshake.ERROR_INVALID);
        expectUsable();
    }

    @Test
    void a_go_of_two_bytes_is_invalid() throws IOException {
        client.greet().option(Handshake.OPTION_GO, new byte[2]);
        expectError(Handshake.ERROR_INVALID);
        expectUsable();
    }

    @Test
    void a_wrong_count_of_information_requests_is_invalid() throws IOException {
        byte[] more = information("disk", 1, 2);
        more[9] = 3;
        client.greet().option(Handshake.OPTION_GO, more);
        expectError(Handshake.ERROR_INVALID);
        expectUsable();
    }

    @Test
    void bytes_behind_the_information_requests_are_invalid() throws IOException {
        byte[] payload = information("disk");
        client.greet().option(Handshake.OPTION_INFO, Arrays.copyOf(payload, payload.length + 1));
        expectError(Handshake.ERROR_INVALID);
        expectUsable();
    }

    @Test
    void a_name_longer_than_4096_bytes_is_too_big() throws IOException {
        client.greet().option(Handshake.OPTION_GO, information("n".repeat(4097)));
        expectError(Handshake.ERROR_TOO_BIG);
        client.option(Handshake.OPTION_GO, information("n".repeat(4096)));
        expectError(Handshake.ERROR_UNKNOWN);
        expectUsable();
    }

    @Test
    void a_name_with_a_zero_byte_or_broken_utf_8_is_invalid() throws IOException {
        byte[] broken = information("disk");
        broken[5] = (byte) 0xff;
        client.greet().option(Handshake.OPTION_GO, information("di\0k"));
        expectError(Handshake.ERROR_INVALID);
        client.option(Handshake.OPTION_GO, broken);
        expectError(Handshake.ERROR_INVALID);
        expectUsable();
    }

    @Test
    void go_serves_what_info_opened() throws IOException {
        client.greet().option(Handshake.OPTION_INFO, information("disk"));
        client.optionReplies();
        expectUsable();
        assertThat(server.catalog.asked).containsExactly("disk info");
    }

    @Test
    void go_for_another_name_closes_what_info_opened() throws IOException {
        client.greet().option(Handshake.OPTION_INFO, information("slow"));
        client.optionReplies();
        expectUsable();
        assertThat(server.catalog.asked).containsExactly("slow info", "disk go");
        assertThat(server.catalog.open).hasValue(1);
    }

    @Test
    void no_export_is_opened_before_the_client_names_one() throws IOException {
        client.greet().option(Handshake.OPTION_LIST);
        client.optionReplies();
        assertThat(server.catalog.opened).hasValue(0);
    }

    @Test
    void requests_sent_ahead_of_the_answer_to_go_are_served() throws IOException {
        CompletableFuture<OpenedExport> slow = new CompletableFuture<>();
        server.catalog.answer("late", slow);
        client.greet().option(Handshake.OPTION_GO, information("late"));
        client.ask(NbdCommand.READ, 5, 0, 16);
        TestServer.await("the open is asked for", () -> !server.catalog.asked.isEmpty());
        slow.complete(server.catalog.export("late", new TestDisk(4096)));
        assertThat(client.optionReplies()).hasSize(3);
        client.expect(5, NbdError.OK);
        client.receive(16);
    }

    @Test
    void an_export_opened_for_a_client_that_has_gone_is_closed_again() throws IOException {
        CompletableFuture<OpenedExport> slow = new CompletableFuture<>();
        server.catalog.answer("late", slow);
        client.greet().option(Handshake.OPTION_GO, information("late"));
        TestServer.await("the open is asked for", () -> !server.catalog.asked.isEmpty());
        client.close();
        slow.complete(server.catalog.export("late", new TestDisk(4096)));
        TestServer.await("the export is closed", () -> server.catalog.open.get() == 0);
    }

    @Test
    void an_export_with_large_blocks_is_for_clients_that_ask_for_their_size() throws IOException {
        client.greet();
        for (int option : new int[] {Handshake.OPTION_INFO, Handshake.OPTION_GO}) {
            client.option(option, information("blocks"));
            List<OptionReply> replies = client.optionReplies();
            assertThat(replies.getFirst().payload().getShort(0)).isEqualTo((short) 3);
            assertThat(replies.getFirst().payload().getInt(2)).isEqualTo(4096);
            assertThat(replies.getLast().type()).isEqualTo(Handshake.ERROR_BLOCK_SIZE_REQUIRED);
        }
        assertThat(server.catalog.open).hasValue(0);
        try (RawClient old = server.connect().greet()) {
            old.option(Handshake.OPTION_EXPORT_NAME, bytes("blocks")).expectClosed();
        }
        client.option(Handshake.OPTION_GO, information("blocks", 3));
        assertThat(client.optionReplies().getLast().type()).isEqualTo(Handshake.REPLY_ACK);
        client.ask(NbdCommand.READ, 1, 0, 512).expect(1, NbdError.EINVAL);
    }

    // ---- the clock, and ends

    @Test
    void a_silent_client_is_dropped_by_the_clock() throws IOException {
        restart(LIMITS.withHandshakeTimeoutMs(100));
        client.receive(18);
        client.expectClosed();
    }

    @Test
    void half_an_option_for_ever_is_dropped_by_the_clock() throws IOException {
        restart(LIMITS.withHandshakeTimeoutMs(100));
        client.greet().send(new byte[] {0x49, 0x48, 0x41});
        client.expectClosed();
    }

    @Test
    void the_clock_does_not_run_in_transmission() throws IOException {
        restart(LIMITS.withHandshakeTimeoutMs(100));
        client.go("disk");
        try (RawClient silent = server.connect()) {
            silent.receive(18);
            silent.expectClosed();
        }
        client.ask(NbdCommand.FLUSH, 1, 0, 0).expect(1, NbdError.OK);
    }

    @Test
    void the_end_of_the_stream_amid_an_option_drops_that_connection_only() throws IOException {
        client.greet().option(Handshake.OPTION_GO, 100, new byte[50]);
        client.finish().expectClosed();
        try (RawClient other = server.connect()) {
            other.go("disk");
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
