package dev.tidemark.gateway.pki;

import dev.tidemark.gateway.problem.ProblemException;
import java.io.ByteArrayInputStream;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** What the certificates of sites say, read with suspicion. */
public final class SitePapers {
    static final String URN = "urn:uuid:";

    /** More than any certificate of a site has. */
    private static final int LARGEST_BYTES = 16 << 10;

    private SitePapers() {}

    /** The number of a certificate in hexadecimal, as people name it. */
    public static String serial(X509Certificate certificate) {
        return certificate.getSerialNumber().toString(16);
    }

    /** The one site that a certificate names; none when it names none, or more than one. */
    public static Optional<UUID> site(X509Certificate certificate) {
        List<String> named =
                AlternativeName.of(certificate).stream()
                        .filter(name -> name.startsWith("uri:" + URN))
                        .map(name -> name.substring(("uri:" + URN).length()))
                        .toList();
        if (named.size() != 1) {
            return Optional.empty();
        }
        try {
            UUID site = UUID.fromString(named.getFirst());
            return site.toString().equals(named.getFirst()) ? Optional.of(site) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Whether an authority has signed a certificate, and both say that it may have. */
    public static boolean signed(X509Certificate certificate, X509Certificate authority) {
        try {
            certificate.verify(authority.getPublicKey());
            return certificate.getIssuerX500Principal().equals(authority.getSubjectX500Principal())
                    && certificate.getBasicConstraints() < 0;
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    /** Whether a certificate holds at a moment. */
    public static boolean holds(X509Certificate certificate, Instant now) {
        try {
            certificate.checkValidity(Date.from(now));
            return true;
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    /** The certificate of a peer's authority, as it came over the wire. */
    public static X509Certificate authority(byte[] der) {
        if (der.length > LARGEST_BYTES) {
            throw ProblemException.invalid(
                    "the authority's certificate is too large",
                    der.length + " bytes",
                    "at most " + LARGEST_BYTES,
                    "");
        }
        try {
            X509Certificate certificate =
                    (X509Certificate)
                            CertificateFactory.getInstance("X.509")
                                    .generateCertificate(new ByteArrayInputStream(der));
            certificate.verify(certificate.getPublicKey());
            if (certificate.getBasicConstraints() >= 0) {
                return certificate;
            }
        } catch (GeneralSecurityException e) {
            throw refused(String.valueOf(e.getMessage()));
        }
        throw refused("it is no authority's");
    }

    private static ProblemException refused(String why) {
        return ProblemException.invalid(
                "the certificate of the peer's authority cannot be used", why, "", "");
    }

    static void requireLeaf(X509Certificate certificate) {
        if (site(certificate).isEmpty()) {
            throw ProblemException.invalid(
                    "the site's certificate names no site",
                    serial(certificate),
                    "a " + URN + " alternative name",
                    "restore the folder site/ from a backup");
        }
    }
}
