package dev.tidemark.gateway.tls;

import dev.tidemark.gateway.pki.Authority;
import dev.tidemark.gateway.pki.Pem;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * What one reading of the files amounts to. Immutable.
 *
 * @param chain the gateway's certificate first
 * @param revoked lists of revoked certificates, empty when there is no such file
 */
record TlsMaterial(SSLContext context, List<X509Certificate> chain, List<X509CRL> revoked) {
    static final String CERTIFICATE = "server-cert.pem";
    static final String KEY = "server-key.pem";

    /** The file names that nbdkit and QEMU look for too. */
    static final List<String> FILES =
            List.of(CERTIFICATE, KEY, Authority.CERTIFICATE, Authority.REVOCATIONS);

    private static final char[] NO_PASSWORD = {};

    static TlsMaterial read(Path folder, ClientCertificates clients) {
        List<X509Certificate> chain = Pem.certificates(folder.resolve(CERTIFICATE));
        PrivateKey key = Pem.privateKey(folder.resolve(KEY));
        requirePair(chain.getFirst(), key, folder);
        Path revocations = folder.resolve(Authority.REVOCATIONS);
        List<X509CRL> revoked =
                Files.exists(revocations) ? Pem.revocations(revocations) : List.of();
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("server", key, NO_PASSWORD, chain.toArray(X509Certificate[]::new));
            KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
            keys.init(store, NO_PASSWORD);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), trust(folder, clients, revoked), null);
            return new TlsMaterial(context, List.copyOf(chain), List.copyOf(revoked));
        } catch (GeneralSecurityException | IOException e) {
            throw unusable(folder, String.valueOf(e.getMessage()), e);
        }
    }

    private static TrustManager @Nullable [] trust(
            Path folder, ClientCertificates clients, List<X509CRL> revoked)
            throws GeneralSecurityException {
        if (clients == ClientCertificates.NONE) {
            return new TrustManager[0];
        }
        Set<TrustAnchor> anchors =
                Pem.certificates(folder.resolve(Authority.CERTIFICATE)).stream()
                        .map(certificate -> new TrustAnchor(certificate, null))
                        .collect(Collectors.toSet());
        PKIXBuilderParameters rules = new PKIXBuilderParameters(anchors, new X509CertSelector());
        rules.setRevocationEnabled(!revoked.isEmpty());
        if (!revoked.isEmpty()) {
            rules.addCertStore(
                    CertStore.getInstance(
                            "Collection", new CollectionCertStoreParameters(revoked)));
            rules.addCertPathChecker(listsOnly());
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(new CertPathTrustManagerParameters(rules));
        return trust.getTrustManagers();
    }

    /** Only the lists at hand count: nothing is fetched from anywhere. */
    private static PKIXRevocationChecker listsOnly() throws GeneralSecurityException {
        PKIXRevocationChecker checker =
                (PKIXRevocationChecker) CertPathBuilder.getInstance("PKIX").getRevocationChecker();
        checker.setOptions(
                Set.of(
                        PKIXRevocationChecker.Option.PREFER_CRLS,
                        PKIXRevocationChecker.Option.NO_FALLBACK,
                        PKIXRevocationChecker.Option.ONLY_END_ENTITY));
        return checker;
    }

    /** A certificate and a key that do not belong together: one was replaced, the other not yet. */
    private static void requirePair(X509Certificate certificate, PrivateKey key, Path folder) {
        byte[] probe = {1, 2, 3};
        try {
            Signature signature = Signature.getInstance(algorithm(key));
            signature.initSign(key);
            signature.update(probe);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(probe);
            if (signature.verify(signed)) {
                return;
            }
        } catch (GeneralSecurityException e) {
            throw unusable(folder, mismatch(), e);
        }
        throw unusable(folder, mismatch(), null);
    }

    private static String mismatch() {
        return CERTIFICATE + " and " + KEY + " do not belong together";
    }

    private static String algorithm(PrivateKey key) throws GeneralSecurityException {
        return switch (key.getAlgorithm()) {
            case "EC" -> "SHA256withECDSA";
            case "RSA" -> "SHA256withRSA";
            case "EdDSA", "Ed25519", "Ed448" -> "EdDSA";
            default ->
                    throw new java.security.NoSuchAlgorithmException(
                            "keys of type " + key.getAlgorithm() + " are not supported");
        };
    }

    private static ProblemException unusable(Path folder, String why, @Nullable Exception cause) {
        return new ProblemException(
                new Problem(
                        ProblemKind.INVALID,
                        "the certificates cannot be used: " + why,
                        folder.toString(),
                        null,
                        "make them with: tidemark pki issue HOST --server"),
                cause);
    }

    boolean isRevoked(X509Certificate certificate) {
        return revoked.stream()
                .anyMatch(list ->
                        list.getIssuerX500Principal().equals(certificate.getIssuerX500Principal())
                                && list.isRevoked(certificate));
    }
}
