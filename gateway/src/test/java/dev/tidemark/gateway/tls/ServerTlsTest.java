package dev.tidemark.gateway.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.pki.Authority;
import dev.tidemark.gateway.pki.TestCertificates;
import dev.tidemark.gateway.problem.ProblemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ServerTlsTest {
    @TempDir private Path folder;
    private Authority authority;
    private Path server;

    @BeforeEach
    void issue() {
        authority = TestCertificates.authority(folder.resolve("pki"));
        server = TestCertificates.issue(authority, "gw", true);
    }

    private ServerTls open() {
        return new ServerTls(
                new ServerTls.Terms(server, true, ClientCertificates.REQUIRE, false),
                Runnable::run);
    }

    private static void replace(Path from, Path to) throws Exception {
        Files.copy(
                from, to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
    }

    @Test
    void onlyTheNewestVersionIsSpokenUnlessTheOlderIsPermitted() {
        assertThat(open().newEngine().getEnabledProtocols()).containsExactly("TLSv1.3");
        assertThat(open().newEngine().getNeedClientAuth()).isTrue();
        ServerTls older =
                new ServerTls(
                        new ServerTls.Terms(server, false, ClientCertificates.ASK, true),
                        Runnable::run);
        assertThat(older.newEngine().getEnabledProtocols())
                .containsExactlyInAnyOrder("TLSv1.3", "TLSv1.2");
        assertThat(older.newEngine().getWantClientAuth()).isTrue();
    }

    @Test
    void changedFilesAreReadAgain() throws Exception {
        ServerTls tls = open();
        assertThat(tls.reload()).isFalse();
        TestCertificates.issue(authority, "gw", true);
        assertThat(tls.reload()).isTrue();
        assertThat(tls.reload()).isFalse();
    }

    @Test
    void aCertificateThatHasNoKeyYetChangesNothing() throws Exception {
        ServerTls tls = open();
        Path other = TestCertificates.issue(authority, "other", true);
        replace(other.resolve("server-cert.pem"), server.resolve("server-cert.pem"));
        assertThatThrownBy(tls::reload).hasMessageContaining("do not belong together");
        assertThat(tls.newEngine()).isNotNull();
        assertThat(tls.reload()).as("said once").isFalse();
        replace(other.resolve("server-key.pem"), server.resolve("server-key.pem"));
        assertThat(tls.reload()).isTrue();
    }

    @Test
    void aListOfRevokedClientsThatGoesAwayChangesNothing() throws Exception {
        Path client = TestCertificates.issue(authority, "lost", false);
        ServerTls tls = open();
        X509Certificate lost = certificate(client.resolve("client-cert.pem"));
        assertThat(tls.isRevoked(lost)).isFalse();
        authority.revoke("lost");
        assertThat(tls.reload()).isTrue();
        assertThat(tls.isRevoked(lost)).isTrue();
        Files.delete(server.resolve("ca-crl.pem"));
        assertThatThrownBy(tls::reload).hasMessageContaining("revoked certificates has gone");
        assertThat(tls.isRevoked(lost)).isTrue();
    }

    private static X509Certificate certificate(Path file) {
        return dev.tidemark.gateway.pki.Pem.certificates(file).getFirst();
    }

    @Test
    void filesThatCannotBeUsedAreNamed() throws Exception {
        Path key = server.resolve("server-key.pem");
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
        assertThatThrownBy(this::open)
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("chmod 600 " + key);
        Files.delete(key);
        assertThatThrownBy(this::open).hasMessageContaining("does not exist");
    }
}
