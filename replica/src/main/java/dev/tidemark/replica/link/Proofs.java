package dev.tidemark.replica.link;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** SHA-256, and HMAC-SHA256 (RFC 2104) under a pairing's secret. */
final class Proofs {
    static final int PROOF_BYTES = 32;

    private static final String HMAC = "HmacSHA256";

    private Proofs() {}

    static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e); // every JDK has it
        }
    }

    /** The proof of a message in parts. */
    static byte[] proof(byte[] secret, byte[]... parts) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(secret, HMAC));
            for (byte[] part : parts) {
                mac.update(part);
            }
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e); // every JDK has it
        }
    }

    /** Whether two proofs are equal, in a time that does not tell where they differ. */
    static boolean equal(byte[] one, byte[] other) {
        return MessageDigest.isEqual(one, other);
    }
}
