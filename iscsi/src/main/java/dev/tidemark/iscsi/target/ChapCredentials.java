package dev.tidemark.iscsi.target;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A CHAP name and its secret, which no text of this object shows. Immutable. */
public final class ChapCredentials {
    private static final int MAXIMUM_CHARACTERS = 255;

    private final String user;
    private final byte[] secret;

    /**
     * Keeps both.
     *
     * @param user 1 to 255 characters
     * @param secret 1 to 255 characters; RFC 7143 §9.2.1 wants at least 96 random bits
     */
    public ChapCredentials(String user, String secret) {
        if (user.isEmpty()
                || user.length() > MAXIMUM_CHARACTERS
                || secret.isEmpty()
                || secret.length() > MAXIMUM_CHARACTERS) {
            throw new IllegalArgumentException(
                    "a CHAP name and a CHAP secret have 1 to 255 characters");
        }
        this.user = user;
        this.secret = secret.getBytes(StandardCharsets.UTF_8);
    }

    public String user() {
        return user;
    }

    /** The bytes that go into the digest; not to be changed. */
    public byte[] secret() {
        return secret;
    }

    boolean sameSecret(ChapCredentials other) {
        return Arrays.equals(secret, other.secret);
    }

    @Override
    public String toString() {
        return user + " (secret hidden)";
    }
}
