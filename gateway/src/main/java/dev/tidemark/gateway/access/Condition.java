package dev.tidemark.gateway.access;

import dev.tidemark.gateway.pki.AlternativeName;
import dev.tidemark.gateway.pki.CommonName;
import java.security.cert.X509Certificate;
import java.util.List;

/** What a rule asks of a client. */
sealed interface Condition {

    boolean holds(Client client);

    /** Whether a session outside TLS can never meet it. */
    default boolean needsTls() {
        return false;
    }

    /** Whether a client that has not yet shown who it is can never meet it. */
    default boolean needsProof() {
        return needsTls();
    }

    /** Whether it looks at the client's certificate. */
    default boolean needsCertificate() {
        return false;
    }

    /** The session is inside TLS. */
    record Encrypted() implements Condition {
        @Override
        public boolean holds(Client client) {
            return client.encrypted();
        }

        @Override
        public boolean needsTls() {
            return true;
        }
    }

    /** The name an initiator gives is as the pattern says. */
    record Initiator(Glob pattern) implements Condition {
        @Override
        public boolean holds(Client client) {
            String name = client.initiator();
            return name != null && pattern.matches(name);
        }
    }

    /** The CHAP name an initiator has proven to be is as the pattern says. */
    record ChapUser(Glob pattern) implements Condition {
        @Override
        public boolean holds(Client client) {
            String user = client.chapUser();
            return user != null && pattern.matches(user);
        }

        @Override
        public boolean needsProof() {
            return true;
        }
    }

    /** The client came through a unix socket. */
    record Local() implements Condition {
        @Override
        public boolean holds(Client client) {
            return client.host() == null;
        }
    }

    /** The client's address is in one of these ranges. */
    record From(List<AddressRange> ranges) implements Condition {
        @Override
        public boolean holds(Client client) {
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
        public boolean holds(Client client) {
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
