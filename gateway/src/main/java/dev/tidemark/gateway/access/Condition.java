package dev.tidemark.gateway.access;

import dev.tidemark.gateway.pki.AlternativeName;
import dev.tidemark.gateway.pki.CommonName;
import dev.tidemark.nbd.NbdClient;
import java.security.cert.X509Certificate;
import java.util.List;

/** What a rule asks of a client. */
sealed interface Condition {

    boolean holds(NbdClient client);

    /** Whether a session outside TLS can never meet it. */
    default boolean needsTls() {
        return false;
    }

    /** Whether it looks at the client's certificate. */
    default boolean needsCertificate() {
        return false;
    }

    /** The session is inside TLS. */
    record Encrypted() implements Condition {
        @Override
        public boolean holds(NbdClient client) {
            return client.encrypted();
        }

        @Override
        public boolean needsTls() {
            return true;
        }
    }

    /** The client came through a unix socket. */
    record Local() implements Condition {
        @Override
        public boolean holds(NbdClient client) {
            return client.host() == null;
        }
    }

    /** The client's address is in one of these ranges. */
    record From(List<AddressRange> ranges) implements Condition {
        @Override
        public boolean holds(NbdClient client) {
            var host = client.host();
            return host != null && ranges.stream().anyMatch(range -> range.contains(host));
        }
    }

    /** A name in the client's certificate is as the pattern says. */
    record Named(Part part, Glob pattern) implements Condition {
        /** A part of a certificate. */
        enum Part {
            CN,
            DN,
            SAN
        }

        @Override
        public boolean holds(NbdClient client) {
            X509Certificate certificate = client.certificate();
            return certificate != null && names(certificate).stream().anyMatch(pattern::matches);
        }

        private List<String> names(X509Certificate certificate) {
            String subject = certificate.getSubjectX500Principal().getName();
            return switch (part) {
                case CN -> List.of(CommonName.of(subject));
                case DN -> List.of(subject);
                case SAN -> AlternativeName.of(certificate);
            };
        }

        @Override
        public boolean needsTls() {
            return true;
        }

        @Override
        public boolean needsCertificate() {
            return true;
        }
    }
}
