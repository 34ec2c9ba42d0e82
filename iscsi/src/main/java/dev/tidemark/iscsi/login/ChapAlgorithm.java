package dev.tidemark.iscsi.login;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/** Hashes for CHAP, by the numbers IANA registered (RFC 1994, RFC 7143 section 12.1.3). */
enum ChapAlgorithm {
    MD5("5", "MD5", 16),
    SHA1("6", "SHA-1", 20),
    SHA256("7", "SHA-256", 32),
    SHA3_256("8", "SHA3-256", 32);

    private final String number;
    private final String digest;
    private final int digestBytes;

    ChapAlgorithm(String number, String digest, int digestBytes) {
        this.number = number;
        this.digest = digest;
        this.digestBytes = digestBytes;
    }

    /** The first of the initiator's list that is known, null when none is. */
    static @Nullable ChapAlgorithm choose(String offered) {
        for (String number : offered.split(",", -1)) {
            for (ChapAlgorithm algorithm : values()) {
                if (algorithm.number.equals(number)) {
                    return algorithm;
                }
            }
        }
        return null;
    }

    String number() {
        return number;
    }

    int digestBytes() {
        return digestBytes;
    }

    /** The response to a challenge: hash of identifier, secret and challenge (RFC 1994). */
    byte[] respond(int identifier, byte[] secret, byte[] challenge) {
        try {
            MessageDigest hash = MessageDigest.getInstance(digest);
            hash.update((byte) identifier);
            hash.update(secret);
            return hash.digest(challenge);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(digest + " is part of every Java platform", e);
        }
    }
}
