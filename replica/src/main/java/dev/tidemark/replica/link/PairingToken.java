package dev.tidemark.replica.link;

import java.util.List;

/**
 * An invitation as it is shown once: {@code tmk1.} and base64url of expiry, secret, fingerprint and
 * addresses.
 *
 * @param expirySeconds since 1970-01-01T00:00Z
 * @param secret 16 random bytes
 * @param fingerprint SHA-256 of the authority's certificate
 * @param addresses {@code host:port}, 1 to 16
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record PairingToken(
        long expirySeconds, byte[] secret, byte[] fingerprint, List<String> addresses) {
    /** Bytes of a secret. */
    public static final int SECRET_BYTES = 16;

    public PairingToken {
        addresses = List.copyOf(addresses);
    }

    /** SHA-256 of a certificate's DER. */
    public static byte[] fingerprint(byte[] certificate) {
        throw new UnsupportedOperationException();
    }

    /** What an invitation is kept under: the first 8 bytes of the secret's SHA-256. */
    public static long secretId(byte[] secret) {
        throw new UnsupportedOperationException();
    }

    /** The token's text. */
    public String text() {
        throw new UnsupportedOperationException();
    }

    /**
     * Reads a token.
     *
     * @throws IllegalArgumentException with what is wrong, without the token
     */
    public static PairingToken parse(String text) {
        throw new UnsupportedOperationException();
    }

    /** Says nothing of the secret. */
    @Override
    public String toString() {
        return "token for " + addresses;
    }
}
