package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client that the system tests trust, against a server that is not ours. */
@Timeout(60)
final class NbdTestClientIT {
    @TempDir Path folder;

    private ForeignProgram serve(String... arguments) throws Exception {
        Path socket = folder.resolve("socket");
        List<String> command =
                new ArrayList<>(List.of("nbdkit", "--foreground", "--unix", socket.toString()));
        command.addAll(List.of(arguments));
        ForeignProgram server = ForeignProgram.start(command.toArray(String[]::new));
        Await.until("nbdkit", Duration.ofSeconds(10), () -> Files.exists(socket));
        return server;
    }

    private NbdTestClient connect(String export) throws IOException {
        return NbdTestClient.connect(UnixDomainSocketAddress.of(folder.resolve("socket")), export);
    }

    @Test
    void pipelined_writes_on_two_connections_are_read_back() throws Exception {
        byte[] content = new byte[3 << 20];
        new Random(1).nextBytes(content);
        try (var server = serve("memory", "size=3M");
                var one = connect("any");
                var other = connect("any")) {
            assertThat(server.running()).isTrue();
            assertThat(one.sizeBytes()).isEqualTo(3 << 20);
            assertThat(one.readOnly()).isFalse();
            List<CompletableFuture<byte[]>> writes = new ArrayList<>();
            for (int at = 0; at < content.length; at += 4096) {
                byte[] part = Arrays.copyOfRange(content, at, at + 4096);
                writes.add((at % 8192 == 0 ? one : other).startWrite(at, part, false));
            }
            for (CompletableFuture<byte[]> write : writes) {
                NbdTestClient.await(write);
            }
            one.flush();
            assertThat(other.sha256()).isEqualTo(Hashes.sha256(content));
            one.zero(0, 4096);
            one.trim(4096, 4096);
            assertThat(one.read(0, 8192)).containsOnly(0);
        }
    }

    @Test
    void an_error_number_reaches_only_its_own_request() throws Exception {
        try (var server = serve("--readonly", "memory", "size=1M");
                var client = connect("any")) {
            assertThat(server.running()).isTrue();
            assertThat(client.readOnly()).isTrue();
            assertThatThrownBy(() -> client.write(0, new byte[512]))
                    .isInstanceOfSatisfying(
                            NbdTestClient.RemoteException.class,
                            error -> assertThat(error.errno()).isEqualTo(1));
            assertThat(client.read(0, 512)).containsOnly(0);
        }
    }

    @Test
    void requests_in_flight_fail_when_the_server_dies() throws Exception {
        try (var server = serve("--filter=delay", "memory", "size=1M", "rdelay=60");
                var client = connect("any")) {
            CompletableFuture<byte[]> read = client.startRead(0, 512);
            assertThat(read.isDone()).isFalse();
            server.kill();
            assertThatThrownBy(() -> NbdTestClient.await(read)).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> client.read(0, 512)).isInstanceOf(IOException.class);
        }
    }
}
