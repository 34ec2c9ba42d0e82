package dev.tidemark.nbd;

import java.net.InetAddress;
import java.security.cert.X509Certificate;
import org.jspecify.annotations.Nullable;

/**
 * Who asks, as far as the server knows.
 *
 * @param address the client's address for people and logs; of a unix socket, the socket's path
 * @param host the machine the client is on; null when it came through a unix socket
 * @param encrypted the session is inside TLS
 * @param certificate what the client has proven to own, checked up to a trusted authority; null
 *     when it has shown none
 */
public record NbdClient(
        String address,
        @Nullable InetAddress host,
        boolean encrypted,
        @Nullable X509Certificate certificate) {

    /** The certificate's subject in the form of RFC 2253; null when there is no certificate. */
    public @Nullable String certificateName() {
        X509Certificate shown = certificate;
        return shown == null ? null : shown.getSubjectX500Principal().getName();
    }

    /** For logs: where from, whether inside TLS, and who. */
    @Override
    public String toString() {
        String name = certificateName();
        return address + (encrypted ? name == null ? " (TLS)" : " (TLS, " + name + ")" : "");
    }
}
