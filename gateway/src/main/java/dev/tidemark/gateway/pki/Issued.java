package dev.tidemark.gateway.pki;

import java.security.cert.X509Certificate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A certificate that an authority has made.
 *
 * @param name its common name
 * @param serial in hexadecimal
 * @param subject the whole name, as rules see it: RFC 2253
 * @param revoked when it was revoked, null when it was not; ISO 8601 like the other times
 * @param fingerprint SHA-256 of the certificate, in hexadecimal
 */
public record Issued(
        String name,
        Kind kind,
        String serial,
        String subject,
        List<String> alternativeNames,
        String notBefore,
        String notAfter,
        State state,
        @Nullable String revoked,
        String fingerprint) {

    /** What a certificate proves. */
    public enum Kind {
        /** The authority's own. */
        AUTHORITY,
        /** A gateway to its clients. */
        SERVER,
        /** A client to gateways. */
        CLIENT;

        static Kind of(X509Certificate certificate) {
            if (certificate.getBasicConstraints() >= 0) {
                return AUTHORITY;
            }
            try {
                List<String> uses = certificate.getExtendedKeyUsage();
                return uses != null && uses.contains(Minting.SERVER_USE) ? SERVER : CLIENT;
            } catch (java.security.cert.CertificateParsingException e) {
                return CLIENT;
            }
        }
    }

    /** Whether it is accepted now. */
    public enum State {
        VALID,
        EXPIRED,
        REVOKED
    }
}
