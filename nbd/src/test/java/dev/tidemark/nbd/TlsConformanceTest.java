package dev.tidemark.nbd;

import static dev.tidemark.nbd.RawClient.information;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.nbd.RawClient.OptionReply;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Holds the way into TLS to the protocol (proto.md "TLS support"), packet by packet. */
@ParameterizedClass
@EnumSource(
        value = TestServer.Kind.class,
        names = {"TCP", "TCP_NIO"})
@Timeout(60)
final class TlsConformanceTest {
    @Parameter TestServer.Kind kind = TestServer.Kind.TCP;

    private TestServer server;
    private RawClient client;

    @BeforeEach
    void connect() throws IOException {
        start(new TestTls(false), NbdLimits.DEFAULT);
    }

    private void start(@Nullable TestTls tls, NbdLimits limits) throws IOException {
        TestCatalog catalog = new TestCatalog().add("disk", new TestDisk(1 << 20));
        server = new TestServer(kind, catalog, limits, NbdMetrics.NONE, tls);
        client = server.connect();
    }

    private void restart(@Nullable TestTls tls, NbdLimits limits) throws IOException {
        stop();
        start(tls, limits);
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
        client.ask(NbdCommand.FLUSH, 7, 0, 0).expect(7, NbdError.OK);
    }

    /** An option's bytes, not sent. */
    private static ByteBuffer option(int option) {
        return ByteBuffer.allocate(16).putLong(0x49484156454F5054L).putInt(option).putInt(0).flip();
    }

    private static ByteBuffer together(ByteBuffer first, ByteBuffer second) {
        return ByteBuffer.allocate(first.remaining() + second.remaining())
                .put(first)
                .put(second)
                .flip();
    }

    // ---- into TLS

    @Test
    void starttls_is_acknowledged_and_the_session_goes_on_inside() throws IOException {
        client.greet().startTls();
        client.option(Handshake.OPTION_LIST);
        assertThat(client.optionReplies()).hasSize(2);
        expectUsable();
    }

    @Test
    void plain_options_behind_starttls_are_never_answered() throws IOException {
        client.greet();
        client.send(together(option(Handshake.OPTION_STARTTLS), option(Handshake.OPTION_LIST)));
        OptionReply reply = client.optionReply();
        assertThat(reply.option()).isEqualTo(Handshake.OPTION_STARTTLS);
        assertThat(reply.type()).isEqualTo(Handshake.REPLY_ACK);
        String rest = new String(client.receiveAll(), StandardCharsets.ISO_8859_1);
        assertThat(rest).doesNotContain("disk").hasSizeLessThan(20); // at most a TLS alert
        assertThat(server.catalog.listed).hasValue(0);
    }

    @Test
    void plain_options_after_the_acknowledgement_end_the_connection() throws IOException {
        client.greet().option(Handshake.OPTION_STARTTLS);
        client.optionReply();
        client.option(Handshake.OPTION_GO, information("disk"));
        assertThat(client.receiveAll()).hasSizeLessThan(20);
        assertThat(server.catalog.asked).isEmpty();
    }

    @Test
    void a_client_hello_behind_starttls_belongs_to_tls() throws IOException {
        SSLEngine engine = TestTls.CONTEXT.createSSLEngine();
        engine.setUseClientMode(true);
        ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
        engine.wrap(ByteBuffer.allocate(0), hello);
        client.greet().send(together(option(Handshake.OPTION_STARTTLS), hello.flip()));
        assertThat(client.optionReply().type()).isEqualTo(Handshake.REPLY_ACK);
        assertThat(client.receive(3).get(0)).as("a TLS handshake record").isEqualTo((byte) 22);
    }

    @Test
    void starttls_twice_is_invalid() throws IOException {
        client.greet().startTls();
        client.option(Handshake.OPTION_STARTTLS);
        expectError(Handshake.ERROR_INVALID);
        expectUsable();
    }

    @Test
    void starttls_with_data_is_invalid_and_stays_plain() throws IOException {
        client.greet().option(Handshake.OPTION_STARTTLS, (byte) 1, (byte) 2);
        expectError(Handshake.ERROR_INVALID);
        expectUsable();
    }

    @Test
    void a_server_without_tls_says_so_and_stays_usable() throws IOException {
        restart(null, NbdLimits.DEFAULT);
        client.greet().option(Handshake.OPTION_STARTTLS);
        expectError(Handshake.ERROR_POLICY);
        expectUsable();
    }

    // ---- what is forgotten

    @Test
    void replies_agreed_on_before_tls_are_forgotten() throws IOException {
        client.greet().option(Handshake.OPTION_STRUCTURED_REPLY);
        assertThat(client.optionReply().type()).isEqualTo(Handshake.REPLY_ACK);
        client.startTls();
        client.option(Handshake.OPTION_GO, information("disk"));
        client.optionReplies();
        client.ask(NbdCommand.READ, 1, 0, 512).expect(1, NbdError.OK); // a simple reply
        client.receive(512);
    }

    @Test
    void contexts_selected_before_tls_are_forgotten() throws IOException {
        client.greet().option(Handshake.OPTION_STRUCTURED_REPLY).optionReply();
        client.contexts(Handshake.OPTION_SET_META_CONTEXT, "disk", "base:allocation");
        client.startTls();
        client.option(Handshake.OPTION_EXTENDED_HEADERS).optionReply();
        client.option(Handshake.OPTION_GO, information("disk"));
        // What GO tells comes first: size, then flags.
        int flags = client.optionReplies().getFirst().payload().getShort(10);
        assertThat(flags & TransmissionFlags.BLOCK_STATUS_PAYLOAD).isZero();
    }

    @Test
    void what_info_opened_before_tls_is_closed_and_opened_anew() throws IOException {
        client.greet().option(Handshake.OPTION_INFO, information("disk"));
        client.optionReplies();
        assertThat(server.catalog.open).hasValue(1);
        client.startTls();
        assertThat(server.catalog.open).hasValue(0);
        expectUsable();
        assertThat(server.catalog.opened).hasValue(2);
    }

    // ---- forced

    @Test
    void a_server_that_wants_tls_refuses_every_other_option() throws IOException {
        restart(new TestTls(true), NbdLimits.DEFAULT);
        client.greet();
        for (int option : new int[] {3, 6, 7, 8, 9, 10, 11, 99}) {
            client.option(option, option == 6 || option == 7 ? information("disk") : new byte[0]);
            expectError(Handshake.ERROR_TLS_REQUIRED);
        }
        client.option(Handshake.OPTION_LIST, (byte) 1);
        expectError(Handshake.ERROR_TLS_REQUIRED);
        assertThat(server.catalog.asked).isEmpty();
        assertThat(server.catalog.listed).hasValue(0);
        client.startTls();
        expectUsable();
    }

    @Test
    void a_server_that_wants_tls_closes_on_export_name() throws IOException {
        restart(new TestTls(true), NbdLimits.DEFAULT);
        client.greet()
                .option(Handshake.OPTION_EXPORT_NAME, "disk".getBytes(StandardCharsets.UTF_8));
        client.expectClosed();
        assertThat(server.catalog.asked).isEmpty();
    }

    @Test
    void a_server_that_wants_tls_acknowledges_abort() throws IOException {
        restart(new TestTls(true), NbdLimits.DEFAULT);
        client.greet().option(Handshake.OPTION_ABORT);
        assertThat(client.optionReply().type()).isEqualTo(Handshake.REPLY_ACK);
        client.expectClosed();
    }

    // ---- for some exports

    @Test
    void an_export_that_wants_tls_is_refused_outside_and_served_inside() throws IOException {
        server.catalog.answer(
                "secret",
                CompletableFuture.failedFuture(
                        new ExportOpenException(
                                ExportOpenException.Kind.TLS_REQUIRED, "only inside TLS")));
        client.greet().option(Handshake.OPTION_GO, information("secret"));
        expectError(Handshake.ERROR_TLS_REQUIRED);
        expectUsable();
    }

    @Test
    void the_catalogue_is_told_that_the_session_is_inside_tls() throws IOException {
        client.greet().option(Handshake.OPTION_INFO, information("disk"));
        client.optionReplies();
        NbdClient outside = server.catalog.clients.getLast();
        assertThat(outside.encrypted()).isFalse();
        assertThat(outside.host()).hasToString("/127.0.0.1");
        assertThat(outside.address()).startsWith("127.0.0.1:");
        client.startTls();
        expectUsable();
        NbdClient inside = server.catalog.clients.getLast();
        assertThat(inside.encrypted()).isTrue();
        assertThat(inside.certificateName()).isNull();
        assertThat(inside).hasToString(outside.address() + " (TLS)");
    }

    // ---- ends

    @Test
    void half_a_tls_handshake_is_dropped_by_the_clock() throws IOException {
        restart(new TestTls(true), NbdLimits.DEFAULT.withHandshakeTimeoutMs(300));
        client.greet().option(Handshake.OPTION_STARTTLS);
        client.optionReply();
        client.send((byte) 22, (byte) 3, (byte) 1); // a record's first bytes
        client.receiveAll();
    }

    @Test
    void disc_ends_tls_before_it_ends_the_connection() throws IOException {
        client.greet().startTls();
        expectUsable();
        client.ask(NbdCommand.DISCONNECT, 1, 0, 0);
        client.expectClosed(); // without TLS's own farewell this would be an error
    }

    @Test
    void a_refused_write_is_consumed_inside_tls() throws IOException {
        client.greet().startTls();
        expectUsable();
        client.write(0, 1, (1 << 20) - 512, new byte[1024]).expect(1, NbdError.ENOSPC);
        client.write(0, 2, 0, new byte[300_000]).expect(2, NbdError.OK);
    }
}
