package dev.tidemark.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.config.SettingsReader;
import dev.tidemark.gateway.pki.Authority;
import dev.tidemark.gateway.pki.TestCertificates;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real clients inside TLS: GnuTLS through libnbd and QEMU. */
@Timeout(300)
final class TlsIT {
    private static final int DISK_BYTES = 8 << 20;
    private static final long AWAIT_NANOS = TimeUnit.SECONDS.toNanos(30);

    @TempDir private Path folder;
    private Authority authority;
    private Path server;
    private Path web;
    private @Nullable Gateway running;

    @BeforeEach
    void issue() {
        authority = TestCertificates.authority(folder.resolve("pki"));
        server = TestCertificates.issue(authority, "gw.example.com", true);
        web = TestCertificates.issue(authority, "web", false);
    }

    @AfterEach
    void stop() {
        if (running != null) {
            running.close();
        }
    }

    private Gateway gateway() {
        return Objects.requireNonNull(running);
    }

    private void serve(String mode, String... rules) throws Exception {
        running =
                Gateway.start(
                        new SettingsReader()
                                .override("data.directory", folder.resolve("data").toString())
                                .override("nbd.listen", "127.0.0.1:0")
                                .override("api.listen", "127.0.0.1:0")
                                .override("journal.storage_unit", "1MiB")
                                .override("journal.pool", "256MiB")
                                .override("nbd.tls.mode", mode)
                                .override("nbd.tls.certificates", server.toString())
                                .override("nbd.rules", String.join("\n", rules))
                                .seal());
        ApiClient api = TestGateways.client(gateway());
        api.post("/volumes", new CreateVolume("disk", (long) DISK_BYTES, null));
        api.post("/volumes", new CreateVolume("other", (long) DISK_BYTES, null));
    }

    /** The part of an address between scheme and name. */
    private String hostAndPort() {
        String uri =
                gateway().nbdUris().stream()
                        .filter(one -> one.contains("127.0.0.1"))
                        .findFirst()
                        .orElseThrow();
        return uri.substring(uri.indexOf("127."), uri.length() - 1);
    }

    private String uri(String name, Path certificates) {
        return "nbds://" + hostAndPort() + "/" + name + "?tls-certificates=" + certificates;
    }

    private record Outcome(int code, String out) {
        Outcome ok() {
            assertThat(code).as(out).isZero();
            return this;
        }

        Outcome failed() {
            assertThat(code).as(out).isNotZero();
            return this;
        }
    }

    private static Process start(String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        // Python's libnbd belongs to the system's own interpreter.
        builder.environment().put("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
        return builder.start();
    }

    private static Outcome run(String... command) throws Exception {
        Process process = start(command);
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Outcome(process.waitFor(), out);
    }

    /** With what the server says to the client's requests. */
    private static Outcome told(String uri) throws Exception {
        return run("env", "LIBNBD_DEBUG=1", "nbdinfo", uri);
    }

    private static Outcome shell(String uri, String script) throws Exception {
        return run("nbdsh", "-c", connect(uri), "-c", script);
    }

    private static String connect(String uri) {
        return "h.set_uri_allow_local_file(True); h.connect_uri('" + uri + "')";
    }

    private Path image(int seed) throws IOException {
        byte[] content = new byte[DISK_BYTES];
        new Random(seed).nextBytes(content);
        return Files.write(folder.resolve("image.raw"), content);
    }

    @Test
    void nbdcopyCarriesAnImageBothWaysInsideTls() throws Exception {
        serve("require");
        assertThat(gateway().nbdUris()).allSatisfy(uri -> assertThat(uri).startsWith("nbds"));
        run("nbdinfo", uri("disk", web)).ok();
        Path image = image(1);
        Path back = folder.resolve("back.raw");
        run("nbdcopy", "--connections=4", "--flush", image.toString(), uri("disk", web)).ok();
        run("nbdcopy", "--connections=4", uri("disk", web), back.toString()).ok();
        assertThat(Files.mismatch(image, back)).isEqualTo(-1);
    }

    @Test
    void qemuCopiesInsideTls() throws Exception {
        serve("require");
        Path image = image(2);
        String port = hostAndPort().substring(hostAndPort().lastIndexOf(':') + 1);
        String credentials = "tls-creds-x509,id=tls0,endpoint=client,verify-peer=on,dir=" + web;
        String target =
                "driver=raw,file.driver=nbd,file.server.type=inet,file.server.host=127.0.0.1,file.server.port="
                        + port
                        + ",file.export=disk,file.tls-creds=tls0";
        run(
                        "qemu-img",
                        "convert",
                        "--object",
                        credentials,
                        "-n",
                        "-f",
                        "raw",
                        "--target-image-opts",
                        image.toString(),
                        target)
                .ok();
        run(
                        "qemu-img",
                        "compare",
                        "--object",
                        credentials,
                        "--image-opts",
                        "driver=raw,file.driver=file,file.filename=" + image,
                        target)
                .ok();
    }

    @Test
    void plainClientsAreRefusedWhereTlsIsRequired() throws Exception {
        serve("require");
        run("nbdinfo", "nbd://" + hostAndPort() + "/disk").failed();
        run("nbdinfo", "nbd+unix:///disk?socket=" + gateway().dataDirectory().resolve("nbd.sock"))
                .failed();
    }

    @Test
    void clientsWithoutAGoodCertificateAreRefused() throws Exception {
        serve("require");
        Path strangers = folder.resolve("strangers");
        Path stranger = TestCertificates.issue(TestCertificates.authority(strangers), "web", false);
        // A client of another authority that would trust this gateway.
        Files.copy(
                authority.folder().resolve("ca-cert.pem"),
                stranger.resolve("ca-cert.pem"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        run("nbdinfo", uri("disk", stranger)).failed();
        Path expired = TestCertificates.expired(authority.folder(), "late");
        run("nbdinfo", uri("disk", expired)).failed();
        Path none = Files.createDirectory(folder.resolve("none"));
        Files.copy(authority.folder().resolve("ca-cert.pem"), none.resolve("ca-cert.pem"));
        run("nbdinfo", uri("disk", none)).failed();
        run("nbdinfo", uri("disk", web)).ok();
        assertThat(TestGateways.client(gateway()).text("/metrics"))
                .contains("tidemark_nbd_tls_failures_total 3.0");
    }

    @Test
    void aClientThatDoesNotTrustTheGatewayLeaves() throws Exception {
        serve("require");
        Path strangers = folder.resolve("strangers");
        Path elsewhere =
                TestCertificates.issue(TestCertificates.authority(strangers), "web", false);
        run("nbdinfo", uri("disk", elsewhere)).failed();
    }

    @Test
    void aRevokedClientIsRefusedAndItsOpenSessionEnds() throws Exception {
        serve("require");
        Process open =
                start(
                        "nbdsh",
                        "-c",
                        connect(uri("disk", web)),
                        "-c",
                        """
                        import time
                        h.pread(512, 0)
                        print('open', flush=True)
                        try:
                            while True:
                                h.pread(512, 0)
                                time.sleep(0.05)
                        except nbd.Error:
                            print('ended', flush=True)
                        """);
        var lines = open.inputReader(StandardCharsets.UTF_8);
        assertThat(lines.readLine()).isEqualTo("open");
        authority.revoke("web");
        assertThat(lines.readLine()).isEqualTo("ended");
        open.destroyForcibly();
        run("nbdinfo", uri("disk", web)).failed();
        Path other = TestCertificates.issue(authority, "other", false);
        run("nbdinfo", uri("disk", other)).ok();
    }

    @Test
    void aNewCertificateIsUsedWithoutARestart() throws Exception {
        serve("require");
        run("nbdinfo", uri("disk", web)).ok();
        String before = TestGateways.client(gateway()).text("/metrics");
        TestCertificates.issue(authority, "gw.example.com", true);
        await("the reload", () -> gateway().status().alertCounts().containsKey("tls-reloaded"));
        run("nbdinfo", uri("disk", web)).ok();
        assertThat(before).contains("tidemark_nbd_tls_certificate_end_seconds");
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(String what, Condition condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.holds()) {
            assertThat(System.nanoTime() - start).as(what).isLessThan(AWAIT_NANOS);
            LockSupport.parkNanos(20_000_000);
        }
    }

    @Test
    void aReadOnlyRuleIsAFlagAndAnError() throws Exception {
        serve("require", "read-only disk cn=web", "read-write *  cn=other");
        run("nbdinfo", "--is", "read-only", uri("disk", web)).ok();
        run("nbdinfo", "--can", "write", uri("disk", web)).failed();
        assertThat(
                        shell(
                                        uri("disk", web),
                                        """
                                        h.set_strict_mode(0)
                                        try:
                                            h.pwrite(b'x' * 512, 0)
                                        except nbd.Error as e:
                                            print(e.errno)
                                        """)
                                .ok()
                                .out())
                .contains("EPERM");
        run(
                        "nbdinfo",
                        "--can",
                        "write",
                        uri("disk", TestCertificates.issue(authority, "other", false)))
                .ok();
        assertThat(told(uri("other", web)).failed().out())
                .contains("this client may not open \"other\": no rule allows it");
        assertThat(run("nbdinfo", "--list", uri("", web)).ok().out())
                .contains("\"disk\"")
                .doesNotContain("other");
        assertThat(TestGateways.client(gateway()).text("/metrics"))
                .containsPattern("tidemark_nbd_refused_total\\{reason=\"rule\"\\} [1-9]");
    }

    @Test
    void aPointsRuleOpensPointsOnly() throws Exception {
        serve("require", "points * cn=web");
        assertThat(told(uri("disk", web)).failed().out()).contains("only its points in time");
        run("nbdinfo", "--is", "read-only", uri("disk@latest", web)).ok();
        run("nbdinfo", "--can", "write", uri("disk@latest", web)).failed();
    }

    @Test
    void aDiskForCertificatesOnlyIsHiddenFromPlainSessions() throws Exception {
        serve("offer", "read-write disk cn=web", "read-write other");
        String plain = "nbd://" + hostAndPort() + "/";
        assertThat(told(plain + "disk").failed().out()).containsIgnoringCase("outside TLS");
        run("nbdinfo", plain + "other").ok();
        assertThat(run("nbdinfo", "--list", plain).ok().out())
                .contains("other")
                .doesNotContain("\"disk\"");
        assertThat(run("nbdinfo", "--list", uri("", web)).ok().out()).contains("\"disk\"");
        run("nbdinfo", uri("disk", web)).ok();
    }

    @Test
    void nothingPlainGoesOverTheWire() throws Exception {
        serve("require");
        byte[] secret = "a secret that must not be seen".getBytes(StandardCharsets.US_ASCII);
        Path image = Files.write(folder.resolve("image.raw"), repeated(secret));
        try (Tap tap = new Tap(hostAndPort())) {
            String through = "nbds://127.0.0.1:" + tap.port() + "/disk?tls-certificates=" + web;
            run("nbdcopy", "--flush", image.toString(), through).ok();
            run("nbdcopy", through, folder.resolve("back.raw").toString()).ok();
            assertThat(Files.mismatch(image, folder.resolve("back.raw"))).isEqualTo(-1);
            String seen = tap.seen();
            assertThat(seen.length()).isGreaterThan(2 * DISK_BYTES);
            assertThat(seen).contains("IHAVEOPT").doesNotContain("secret").doesNotContain("disk");
        }
    }

    private static byte[] repeated(byte[] text) {
        byte[] content = new byte[DISK_BYTES];
        for (int i = 0; i < content.length; i++) {
            content[i] = text[i % text.length];
        }
        return content;
    }

    /** A proxy that keeps what it carries. */
    private static final class Tap implements AutoCloseable {
        private final ServerSocket listener;
        private final String target;
        private final ByteArrayOutputStream seen = new ByteArrayOutputStream();
        private final List<Socket> sockets = new ArrayList<>();

        Tap(String target) throws IOException {
            this.target = target;
            listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            Thread.ofVirtual().start(this::accept);
        }

        int port() {
            return listener.getLocalPort();
        }

        synchronized String seen() {
            return seen.toString(StandardCharsets.ISO_8859_1);
        }

        private void accept() {
            try {
                while (true) {
                    Socket client = listener.accept();
                    int colon = target.lastIndexOf(':');
                    Socket server =
                            new Socket(
                                    target.substring(0, colon),
                                    Integer.parseInt(target.substring(colon + 1)));
                    synchronized (this) {
                        sockets.add(client);
                        sockets.add(server);
                    }
                    Thread.ofVirtual().start(() -> carry(client, server));
                    Thread.ofVirtual().start(() -> carry(server, client));
                }
            } catch (IOException closed) {
                // The test is over.
            }
        }

        private void carry(Socket from, Socket to) {
            byte[] chunk = new byte[1 << 16];
            try {
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream();
                int count = in.read(chunk);
                while (count >= 0) {
                    synchronized (this) {
                        seen.write(chunk, 0, count);
                    }
                    out.write(chunk, 0, count);
                    count = in.read(chunk);
                }
                to.shutdownOutput();
            } catch (IOException closed) {
                // One side has gone.
            }
        }

        @Override
        public void close() throws IOException {
            listener.close();
            synchronized (this) {
                for (Socket socket : sockets) {
                    socket.close();
                }
            }
        }
    }
}
