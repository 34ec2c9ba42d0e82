package dev.tidemark.gateway.pki;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.bouncycastle.asn1.x509.GeneralName;

/**
 * The authority of one site and the certificate that it proves itself with, in a folder:
 *
 * <pre>
 * ca-key.pem     the authority's key, mode 0600
 * ca-cert.pem    its certificate; written last: without it, the folder holds nothing
 * site.pem       the site's key and certificate together, mode 0600
 * </pre>
 *
 * Key and certificate lie in one file, so that a renewal is one rename. One process at a time, the
 * one that holds the data directory. Thread-safe.
 */
public final class SiteAuthority {
    private static final String KEY = "ca-key.pem";
    private static final String LEAF = "site.pem";

    /** Ten years: pairing again is the only way to replace an authority. */
    private static final Lifetime AUTHORITY = new Lifetime(3650);

    /** Short, since it is renewed by itself. */
    private static final Lifetime LEAF_LIFETIME = new Lifetime(30);

    private final Path folder;
    private final UUID site;
    private final Clock clock;
    private final Minting minting = new Minting();
    private volatile Leaf leaf;

    /** A site's key with its certificate and the authority's. */
    public record Leaf(PrivateKey key, X509Certificate certificate, X509Certificate authority) {
        public Leaf {
            SitePapers.requireLeaf(certificate);
        }

        /** Its number in hexadecimal. */
        public String serial() {
            return SitePapers.serial(certificate);
        }

        /** From then on it should be replaced: half of its life is over. */
        public Instant renewal() {
            Instant start = certificate.getNotBefore().toInstant();
            return start.plus(java.time.Duration.between(start, end()).dividedBy(2));
        }

        public Instant end() {
            return certificate.getNotAfter().toInstant();
        }
    }

    private SiteAuthority(Path folder, UUID site, Clock clock, Leaf leaf) {
        this.folder = folder;
        this.site = site;
        this.clock = clock;
        this.leaf = leaf;
    }

    /** Makes a new authority and the first certificate; what lies there already is replaced. */
    public static SiteAuthority init(Path folder, UUID site, Clock clock) {
        Minting minting = new Minting();
        Instant now = clock.instant();
        try {
            PrivateFiles.folder(folder);
            Files.deleteIfExists(folder.resolve(Authority.CERTIFICATE));
            KeyPair key = minting.key();
            X509Certificate certificate =
                    minting.authority(
                            key, Minting.name(site.toString(), "Tidemark site"), AUTHORITY, now);
            Minting.Signer signer = new Minting.Signer(certificate, key.getPrivate());
            PrivateFiles.secret(folder.resolve(KEY), Pem.text(key));
            Leaf leaf = issue(folder, site, minting, signer, now);
            PrivateFiles.open(folder.resolve(Authority.CERTIFICATE), Pem.text(certificate));
            return new SiteAuthority(folder, site, clock, leaf);
        } catch (IOException e) {
            throw PrivateFiles.problem(folder, e);
        }
    }

    /** The authority that {@link #init} made. */
    public static SiteAuthority at(Path folder, UUID site, Clock clock) {
        X509Certificate authority = certificate(folder);
        Path file = folder.resolve(LEAF);
        Leaf leaf = new Leaf(Pem.privateKey(file), Pem.certificates(file).getFirst(), authority);
        return new SiteAuthority(folder, site, clock, leaf);
    }

    private static X509Certificate certificate(Path folder) {
        return Pem.certificates(folder.resolve(Authority.CERTIFICATE)).getFirst();
    }

    /** What is in force. */
    public Leaf leaf() {
        return leaf;
    }

    /** Makes a new key and certificate, which are in force when this returns. */
    public synchronized Leaf renew() {
        Minting.Signer signer =
                new Minting.Signer(certificate(folder), Pem.privateKey(folder.resolve(KEY)));
        try {
            leaf = issue(folder, site, minting, signer, clock.instant());
            return leaf;
        } catch (IOException e) {
            throw PrivateFiles.problem(folder, e);
        }
    }

    private static Leaf issue(
            Path folder, UUID site, Minting minting, Minting.Signer signer, Instant now)
            throws IOException {
        KeyPair key = minting.key();
        GeneralName id =
                new GeneralName(GeneralName.uniformResourceIdentifier, SitePapers.URN + site);
        X509Certificate made =
                minting.certificate(
                        signer,
                        key.getPublic(),
                        Minting.name(site.toString(), "Tidemark site"),
                        Minting.SITE,
                        List.of(id),
                        LEAF_LIFETIME,
                        now);
        PrivateFiles.secret(folder.resolve(LEAF), Pem.text(key) + Pem.text(made));
        return new Leaf(key.getPrivate(), made, signer.certificate());
    }
}
