package dev.tidemark.nbd;

import org.jspecify.annotations.Nullable;

/**
 * Who asks, as far as the server knows.
 *
 * @param address the client's address for people and logs; of a unix socket, the socket's path
 * @param encrypted the session is inside TLS
 * @param certificateName subject of the certificate that the client has proven to own, in the form
 *     of RFC 2253; null when it has shown none
 */
public record NbdClient(String address, boolean encrypted, @Nullable String certificateName) {}
