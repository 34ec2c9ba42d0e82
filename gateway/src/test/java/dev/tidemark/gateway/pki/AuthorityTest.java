package dev.tidemark.gateway.pki;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.tidemark.gateway.problem.ProblemException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AuthorityTest {
    private static final Instant NOW = Instant.parse("2026-11-21T02:00:00Z");

    @TempDir private Path folder;
    private Path pki;
    private Authority authority;

    @BeforeEach
    void init() {
        pki = folder.resolve("pki");
        authority = Authority.init(pki, "Test-CA", "", new Lifetime(3650), at(NOW));
    }

    private static Clock at(Instant instant) {
        return Clock.fixed(instant, ZoneOffset.UTC);
    }

    private Authority later(Duration time) {
        return Authority.at(pki, at(NOW.plus(time)));
    }

    private static Authority.Request client(String name) {
        return new Authority.Request(name, false, "", List.of(), new Lifetime(30));
    }

    private static Authority.Request server(String name, String... also) {
        return new Authority.Request(name, true, "Example", List.of(also), new Lifetime(30));
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    @Test
    void secretsAreForTheirOwnerAlone() throws IOException {
        authority.issue(client("web"));
        authority.issue(server("gw"));
        try (Stream<Path> files = Files.walk(pki)) {
            for (Path file : files.toList()) {
                String name = String.valueOf(file.getFileName());
                if (Files.isDirectory(file)) {
                    assertThat(mode(file)).as(file.toString()).isEqualTo("rwx------");
                } else if (name.endsWith("key.pem")) {
                    assertThat(mode(file)).as(file.toString()).isEqualTo("rw-------");
                }
            }
        }
    }

    @Test
    void aFolderToHandOutHoldsWhatLibnbdAndQemuLookFor() {
        Path client = Path.of(authority.issue(client("web")).folder());
        assertThat(client.toFile().list())
                .containsExactlyInAnyOrder("ca-cert.pem", "client-cert.pem", "client-key.pem");
        Path server = Path.of(authority.issue(server("gw")).folder());
        assertThat(server.toFile().list())
                .containsExactlyInAnyOrder(
                        "ca-cert.pem", "ca-crl.pem", "server-cert.pem", "server-key.pem");
    }

    @Test
    void certificatesAreSignedByTheAuthorityAndSayWhatTheyAreFor() throws Exception {
        X509Certificate own = Pem.certificates(pki.resolve("ca-cert.pem")).getFirst();
        own.verify(own.getPublicKey());
        assertThat(own.getBasicConstraints()).isZero();
        Authority.Handout handout =
                authority.issue(server("gw.example.com", "192.0.2.7", "uri://x/y", "a@b.c"));
        X509Certificate made =
                Pem.certificates(Path.of(handout.folder(), "server-cert.pem")).getFirst();
        made.verify(own.getPublicKey());
        assertThat(made.getBasicConstraints()).isEqualTo(-1);
        assertThat(made.getExtendedKeyUsage()).containsExactly(Minting.SERVER_USE);
        assertThat(handout.certificate().subject()).isEqualTo("CN=gw.example.com,O=Example");
        assertThat(handout.certificate().alternativeNames())
                .containsExactly(
                        "dns:gw.example.com",
                        "dns:localhost",
                        "ip:127.0.0.1",
                        "ip:0:0:0:0:0:0:0:1",
                        "ip:192.0.2.7",
                        "uri:uri://x/y",
                        "email:a@b.c");
        assertThat(made.getNotAfter().toInstant()).isEqualTo(NOW.plus(Duration.ofDays(30)));
        assertThat(made.getSerialNumber().bitLength()).isBetween(64, 128);
        assertThat(Pem.privateKey(Path.of(handout.folder(), "server-key.pem")).getAlgorithm())
                .isEqualTo("EC");
    }

    @Test
    void theListTellsValidExpiredAndRevoked() {
        authority.issue(client("old"));
        Authority now = later(Duration.ofDays(20));
        now.issue(client("lost"));
        now.issue(client("good"));
        now.revoke("lost");
        assertThat(later(Duration.ofDays(31)).list())
                .extracting(Issued::name, Issued::state)
                .containsExactlyInAnyOrder(
                        tuple("old", Issued.State.EXPIRED),
                        tuple("lost", Issued.State.REVOKED),
                        tuple("good", Issued.State.VALID));
    }

    @Test
    void revokingUpdatesTheListHereAndInEveryServersFolder() throws Exception {
        Path server = Path.of(authority.issue(server("gw")).folder());
        authority.issue(client("web"));
        authority.issue(client("web"));
        assertThat(authority.revoke("web")).hasSize(2);
        authority.issue(client("backup"));
        Issued backup = authority.find("backup").getFirst();
        assertThat(authority.revoke(backup.serial())).extracting(Issued::name).contains("backup");
        X509Certificate own = Pem.certificates(pki.resolve("ca-cert.pem")).getFirst();
        for (Path place : List.of(pki, server)) {
            X509CRL list = Pem.revocations(place.resolve("ca-crl.pem")).getFirst();
            list.verify(own.getPublicKey());
            assertThat(list.getRevokedCertificates()).hasSize(3);
            assertThat(list.getNextUpdate()).isEqualTo(own.getNotAfter());
        }
        assertThatThrownBy(() -> authority.revoke("web")).hasMessageContaining("revoked already");
    }

    @Test
    void whatMakesNoSenseIsRefusedWithItsValue() {
        assertThatThrownBy(() -> Authority.init(pki, "B", "", new Lifetime(1), at(NOW)))
                .hasMessageContaining("there already");
        assertThatThrownBy(() -> Authority.at(folder, at(NOW))).hasMessageContaining("pki init");
        assertThatThrownBy(() -> authority.issue(client("../x"))).hasMessageContaining("../x");
        assertThatThrownBy(() -> authority.issue(client("a/b"))).hasMessageContaining("a/b");
        assertThatThrownBy(() -> authority.issue(server("gw", "no host")))
                .hasMessageContaining("no host");
        assertThatThrownBy(() -> new Lifetime(0)).hasMessageContaining("1 to 36500");
        assertThatThrownBy(() ->
                        authority.issue(
                                new Authority.Request(
                                        "x", false, "", List.of(), new Lifetime(9999))))
                .hasMessageContaining("outlive");
        assertThatThrownBy(() -> authority.find("wbe")).isInstanceOf(ProblemException.class);
    }

    @Test
    void aKeyThatOthersCanReadIsRefusedAndNeverShown() throws IOException {
        Path key = pki.resolve("ca-key.pem");
        String secret = Files.readString(key).lines().skip(1).findFirst().orElseThrow();
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
        assertThatThrownBy(() -> authority.issue(client("web")))
                .hasMessageContaining("can be read or changed by others")
                .hasMessageContaining("chmod 600")
                .message()
                .doesNotContain(secret);
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r-----"));
        authority.issue(client("web"));
    }

    @Test
    void filesThatAreNoPemAreNamed() throws IOException {
        Path junk = Files.writeString(folder.resolve("junk.pem"), "hello");
        assertThatThrownBy(() -> Pem.certificates(junk)).hasMessageContaining("junk.pem");
        assertThatThrownBy(() -> Pem.revocations(junk)).hasMessageContaining("X509 CRL");
        assertThatThrownBy(() -> Pem.certificates(folder.resolve("none")))
                .hasMessageContaining("does not exist");
        Files.write(junk, new byte[] {(byte) 0xff, (byte) 0xfe});
        assertThatThrownBy(() -> Pem.certificates(junk)).hasMessageContaining("no PEM text");
    }
}
