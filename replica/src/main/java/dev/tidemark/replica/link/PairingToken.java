package dev.tidemark.replica.link;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
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

    private static final String PREFIX = "tmk1.";
    private static final int FINGERPRINT_BYTES = 32;
    private static final int FIXED_BYTES = 8 + SECRET_BYTES + FINGERPRINT_BYTES + 1;
    private static final int MAXIMUM_TEXT_CHARACTERS = 8 << 10;

    public PairingToken {
        addresses = List.copyOf(addresses);
        require(secret.length == SECRET_BYTES, "secret");
        require(fingerprint.length == FINGERPRINT_BYTES, "fingerprint");
        require(
                !addresses.isEmpty() && addresses.size() <= SiteCard.MAXIMUM_ADDRESSES,
                "list of addresses");
        for (String address : addresses) {
            require(address.length() <= SiteCard.MAXIMUM_ADDRESS_CHARACTERS, "address");
        }
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalArgumentException("the token's " + what + " has the wrong size");
        }
    }

    /** SHA-256 of a certificate's DER. */
    public static byte[] fingerprint(byte[] certificate) {
        return Proofs.sha256(certificate);
    }

    /** What an invitation is kept under: the first 8 bytes of the secret's SHA-256. */
    public static long secretId(byte[] secret) {
        return ByteBuffer.wrap(Proofs.sha256(secret)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    /** The token's text. */
    public String text() {
        List<byte[]> texts =
                addresses.stream().map(one -> one.getBytes(StandardCharsets.UTF_8)).toList();
        int bytes = FIXED_BYTES + texts.stream().mapToInt(text -> 2 + text.length).sum();
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(expirySeconds).put(secret).put(fingerprint).put((byte) texts.size());
        texts.forEach(text -> buffer.putShort((short) text.length).put(text));
        return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(buffer.array());
    }

    /**
     * Reads a token.
     *
     * @throws IllegalArgumentException with what is wrong, without the token
     */
    public static PairingToken parse(String text) {
        String trimmed = text.strip();
        if (!trimmed.startsWith(PREFIX)) {
            throw new IllegalArgumentException("a token begins with " + PREFIX);
        }
        if (trimmed.length() > MAXIMUM_TEXT_CHARACTERS) {
            throw new IllegalArgumentException("the token is too long");
        }
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(trimmed.substring(PREFIX.length()));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the token has characters that no token has", e);
        }
        return read(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    }

    private static PairingToken read(ByteBuffer buffer) {
        requireRemaining(buffer, FIXED_BYTES);
        long expirySeconds = buffer.getLong();
        byte[] secret = take(buffer, SECRET_BYTES);
        byte[] fingerprint = take(buffer, FINGERPRINT_BYTES);
        int count = Byte.toUnsignedInt(buffer.get());
        List<String> addresses = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            requireRemaining(buffer, 2);
            byte[] address = take(buffer, Short.toUnsignedInt(buffer.getShort()));
            addresses.add(new String(address, StandardCharsets.UTF_8));
        }
        if (buffer.hasRemaining()) {
            throw new IllegalArgumentException("the token has something behind its end");
        }
        return new PairingToken(expirySeconds, secret, fingerprint, addresses);
    }

    private static byte[] take(ByteBuffer buffer, int length) {
        requireRemaining(buffer, length);
        byte[] bytes = new byte[length];
        buffer.get(bytes);
        return bytes;
    }

    private static void requireRemaining(ByteBuffer buffer, int bytes) {
        if (buffer.remaining() < bytes) {
            throw new IllegalArgumentException("the token is cut off; copy the whole of it");
        }
    }

    /** Says nothing of the secret. */
    @Override
    public String toString() {
        return "token for " + addresses;
    }
}
