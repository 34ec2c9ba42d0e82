package dev.tidemark.gateway.tls;

import dev.tidemark.gateway.pki.Authority;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.nbd.TlsOffer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLEngine;

/**
 * TLS with the JDK's own provider, from a folder of PEM files. Sessions begin with what the folder
 * held when it was last read; a folder that cannot be read as a whole changes nothing. Thread-safe.
 */
public final class ServerTls implements TlsOffer {
    static {
        // A client could make the server compute for ever (TLS 1.2 only; 1.3 has none of it).
        System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "true");
    }

    /**
     * How the server speaks.
     *
     * @param folder of the PEM files
     * @param required nothing is served outside TLS
     * @param olderVersion TLS 1.2 too, not 1.3 alone
     */
    public record Terms(
            Path folder, boolean required, ClientCertificates clients, boolean olderVersion) {}

    /** What tells that a file has changed. */
    private record Stamp(String state) {}

    private final Terms terms;
    private final Executor executor;
    private volatile TlsMaterial material;
    private List<Stamp> stamps; // guarded by this

    /** Reads the files; what is wrong with them is one problem. */
    public ServerTls(Terms terms, Executor executor) {
        this.terms = terms;
        this.executor = executor;
        this.stamps = stamps(terms.folder());
        this.material = TlsMaterial.read(terms.folder(), terms.clients());
    }

    @Override
    public boolean required() {
        return terms.required();
    }

    @Override
    public Executor executor() {
        return executor;
    }

    @Override
    public SSLEngine newEngine() {
        SSLEngine engine = material.context().createSSLEngine();
        engine.setUseClientMode(false);
        engine.setEnabledProtocols(
                terms.olderVersion()
                        ? new String[] {"TLSv1.3", "TLSv1.2"}
                        : new String[] {"TLSv1.3"});
        switch (terms.clients()) {
            case REQUIRE -> engine.setNeedClientAuth(true);
            case ASK -> engine.setWantClientAuth(true);
            case NONE -> engine.setWantClientAuth(false);
        }
        return engine;
    }

    /**
     * Reads the files again if one has changed. May wait for a disk.
     *
     * @return whether new sessions begin with something new
     * @throws ProblemException when the changed files cannot be used: what was read before stays,
     *     and this is not said again until they change once more
     */
    public synchronized boolean reload() {
        List<Stamp> now = stamps(terms.folder());
        if (now.equals(stamps)) {
            return false;
        }
        stamps = now;
        TlsMaterial read = TlsMaterial.read(terms.folder(), terms.clients());
        if (read.revoked().isEmpty() && !material.revoked().isEmpty()) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.INVALID,
                            "the list of revoked certificates has gone",
                            terms.folder().resolve(Authority.REVOCATIONS).toString(),
                            "without it, revoked clients would be let in again",
                            "put it back; restart the gateway if it is meant"));
        }
        material = read;
        return true;
    }

    private static List<Stamp> stamps(Path folder) {
        List<Stamp> stamps = new ArrayList<>();
        for (String name : TlsMaterial.FILES) {
            stamps.add(stamp(folder.resolve(name)));
        }
        return stamps;
    }

    private static Stamp stamp(Path file) {
        try {
            BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
            return new Stamp(found.lastModifiedTime() + " " + found.size() + " " + found.fileKey());
        } catch (NoSuchFileException e) {
            return new Stamp("missing");
        } catch (IOException e) {
            return new Stamp("unreadable: " + e.getMessage());
        }
    }

    /** When the gateway's own certificate ends. */
    public Instant end() {
        return material.chain().getFirst().getNotAfter().toInstant();
    }

    /** Whether there is a list of revoked certificates. */
    public boolean knowsRevoked() {
        return !material.revoked().isEmpty();
    }

    /** Whether a certificate is on the newest list of revoked ones. */
    public boolean isRevoked(X509Certificate certificate) {
        return material.isRevoked(certificate);
    }
}
