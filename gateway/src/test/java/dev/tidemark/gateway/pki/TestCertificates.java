package dev.tidemark.gateway.pki;

import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/** Authorities and certificates for tests. */
public final class TestCertificates {
    private TestCertificates() {}

    public static Authority authority(Path folder) {
        return Authority.init(folder, "Test-CA", "", new Lifetime(3650), Clock.systemUTC());
    }

    /** A client's certificate of an authority of its own, organization Example Ltd. */
    public static X509Certificate client(Path folder, String name, String... also) {
        Authority authority = authority(folder.resolve(UUID.randomUUID().toString()));
        Path made = issue(authority, name, false, also);
        return Pem.certificates(made.resolve("client-cert.pem")).getFirst();
    }

    /** Makes a certificate and returns its folder. */
    public static Path issue(Authority authority, String name, boolean server, String... also) {
        return Path.of(
                authority
                        .issue(
                                new Authority.Request(
                                        name,
                                        server,
                                        "Example Ltd",
                                        List.of(also),
                                        new Lifetime(30)))
                        .folder());
    }

    /** A client's certificate that ended yesterday, and its folder. */
    public static Path expired(Path authority, String name) {
        Clock then = Clock.offset(Clock.systemUTC(), Duration.ofDays(-2));
        return Path.of(
                Authority.at(authority, then)
                        .issue(new Authority.Request(name, false, "", List.of(), new Lifetime(1)))
                        .folder());
    }
}
