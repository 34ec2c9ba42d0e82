package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Clients that misbehave hurt nobody but themselves; addresses that cannot be used are explained.
 */
@Timeout(120)
final class NbdAbuseTest {
    private static final int DISK_BYTES = 1 << 20;

    private static TestServer serve(TestServer.Kind kind, TestDisk disk, NbdLimits limits)
            throws IOException {
        return new TestServer(kind, new TestCatalog().add("disk", disk), limits);
    }

    private static void expectServed(TestServer server) throws IOException {
        try (RawClient other = server.connect().go("disk")) {
            other.ask(NbdCommand.READ, 1, 0, 512).expect(1, NbdError.OK);
            other.receive(512);
        }
    }

    @ParameterizedTest
    @EnumSource(TestServer.Kind.class)
    void a_reset_amid_replies_is_survived(TestServer.Kind kind) throws IOException {
        try (TestServer server = serve(kind, new TestDisk(DISK_BYTES), NbdLimits.DEFAULT)) {
            for (int round = 0; round < 20; round++) {
                RawClient client = server.connect().go("disk");
                for (int cookie = 0; cookie < 30; cookie++) {
                    client.ask(NbdCommand.READ, cookie, 0, 65536);
                }
                client.receive(100);
                client.reset();
            }
            expectServed(server);
        }
    }

    @Test
    void a_write_sent_byte_by_byte_arrives_whole() throws IOException {
        TestDisk disk = new TestDisk(DISK_BYTES);
        try (TestServer server = serve(TestServer.Kind.TCP, disk, NbdLimits.DEFAULT);
                RawClient client = server.connect().go("disk")) {
            ByteBuffer write =
                    ByteBuffer.allocate(28 + 2000)
                            .put(RawClient.request(0, 1, 1, 0, 2000))
                            .put("tidemark".repeat(250).getBytes(StandardCharsets.US_ASCII))
                            .flip();
            while (write.hasRemaining()) {
                client.send(write.get());
            }
            client.expect(1, NbdError.OK);
            assertThat(disk.content(1992, 8))
                    .asString(StandardCharsets.US_ASCII)
                    .isEqualTo("tidemark");
        }
    }

    // ---- addresses

    private static NbdServer server(ListenAddress... addresses) {
        return new NbdServer(
                NbdServerConfig.listeningOn(addresses), new TestCatalog(), NbdMetrics.NONE);
    }

    @Test
    void a_port_in_use_is_named_with_what_to_do() throws IOException {
        try (ServerSocket taken = new ServerSocket(0)) {
            ListenAddress.Tcp address = new ListenAddress.Tcp("127.0.0.1", taken.getLocalPort());
            assertThatThrownBy(server(address)::start)
                    .isInstanceOf(NbdServerException.class)
                    .hasMessage(
                            "127.0.0.1:%d is in use by another process; stop that process or choose"
                                    + " another address",
                            taken.getLocalPort());
        }
    }

    @Test
    void a_server_that_cannot_listen_everywhere_listens_nowhere(@TempDir Path folder)
            throws IOException {
        Path socket = folder.resolve("s.sock");
        try (ServerSocket taken = new ServerSocket(0)) {
            NbdServer server =
                    server(
                            new ListenAddress.Unix(socket, ListenAddress.Unix.PRIVATE),
                            new ListenAddress.Tcp("127.0.0.1", taken.getLocalPort()));
            assertThatThrownBy(server::start).isInstanceOf(NbdServerException.class);
        }
        assertThat(socket).doesNotExist();
    }

    @Test
    void an_address_of_another_machine_is_named() {
        assertThatThrownBy(server(new ListenAddress.Tcp("192.0.2.1", 0))::start)
                .hasMessageContaining("192.0.2.1:0 is no address of this machine");
        assertThatThrownBy(server(new ListenAddress.Tcp("no.such.host.invalid", 0))::start)
                .hasMessageContaining("the host name is not known");
    }

    @Test
    void the_socket_file_of_a_dead_process_is_replaced_and_removed_at_the_end(@TempDir Path folder)
            throws IOException {
        Path socket = folder.resolve("s.sock");
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket))
                .close();
        assertThat(socket).exists();
        NbdServer server =
                server(
                        new ListenAddress.Unix(
                                socket, PosixFilePermissions.fromString("rw-rw----")));
        server.start();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-rw----");
        server.close();
        assertThat(socket).doesNotExist();
    }

    @Test
    void a_socket_that_another_server_uses_is_left_alone(@TempDir Path folder) throws IOException {
        ListenAddress.Unix address =
                new ListenAddress.Unix(folder.resolve("s.sock"), ListenAddress.Unix.PRIVATE);
        try (NbdServer first = server(address)) {
            first.start();
            assertThatThrownBy(server(address)::start).hasMessageContaining("is in use by another");
            assertThat(address.path()).exists();
        }
    }

    @Test
    void a_file_that_is_no_socket_is_left_alone(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("precious"), "data");
        assertThatThrownBy(server(new ListenAddress.Unix(file, ListenAddress.Unix.PRIVATE))::start)
                .hasMessageContaining("is no socket");
        assertThat(file).hasContent("data");
    }
}
