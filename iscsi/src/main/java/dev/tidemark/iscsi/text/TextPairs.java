package dev.tidemark.iscsi.text;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Pairs in the order they were sent. A key may come once (RFC 7143 section 6.2: the same key must
 * not be negotiated twice in one sequence).
 */
public final class TextPairs {
    /** Key names have up to 63 bytes (RFC 7143 section 6.1). */
    public static final int MAXIMUM_KEY_BYTES = 63;

    /** Values have up to 255 bytes unless a key says otherwise (section 6.1); CHAP's are longer. */
    public static final int MAXIMUM_VALUE_BYTES = 8192;

    private final SequencedMap<String, String> pairs = new LinkedHashMap<>();

    /**
     * Parses a text.
     *
     * @param maximumKeys most pairs it may have
     */
    public static TextPairs parse(byte[] text, int maximumKeys) throws TextException {
        TextPairs result = new TextPairs();
        int start = 0;
        for (int at = 0; at < text.length; at++) {
            if (text[at] == 0) {
                if (at > start) {
                    result.add(text, start, at, maximumKeys);
                }
                start = at + 1;
            }
        }
        if (start < text.length) {
            throw new TextException("the last pair is not ended by a zero byte");
        }
        return result;
    }

    private void add(byte[] text, int start, int end, int maximumKeys) throws TextException {
        int equals = start;
        while (equals < end && text[equals] != '=') {
            equals++;
        }
        if (equals == end) {
            throw new TextException("a key has no '='");
        }
        int keyBytes = equals - start;
        int valueBytes = end - equals - 1;
        if (keyBytes < 1 || keyBytes > MAXIMUM_KEY_BYTES) {
            throw new TextException(
                    "key of %d bytes exceeds 1 to %d".formatted(keyBytes, MAXIMUM_KEY_BYTES));
        }
        if (valueBytes > MAXIMUM_VALUE_BYTES) {
            throw new TextException(
                    "value of %d bytes exceeds %d".formatted(valueBytes, MAXIMUM_VALUE_BYTES));
        }
        String key = new String(text, start, keyBytes, StandardCharsets.UTF_8);
        if (!key.chars().allMatch(TextPairs::keyCharacter)) {
            throw new TextException("a key has characters that keys do not have");
        }
        if (pairs.size() == maximumKeys) {
            throw new TextException("more than " + maximumKeys + " keys");
        }
        String value = new String(text, equals + 1, valueBytes, StandardCharsets.UTF_8);
        if (pairs.put(key, value) != null) {
            throw new TextException("key " + key + " comes twice");
        }
    }

    /** "standard-label" of RFC 7143 section 6.1: letters, digits, and {@code . - + @ _ / #}. */
    private static boolean keyCharacter(int c) {
        return (c >= '0' && c <= '9')
                || (c >= 'A' && c <= 'Z')
                || (c >= 'a' && c <= 'z')
                || ".-+@_/#".indexOf(c) >= 0;
    }

    /** All pairs, in order; a view. */
    public SequencedMap<String, String> all() {
        return pairs;
    }

    /** A key's value, null when it was not sent. */
    public @Nullable String get(String key) {
        return pairs.get(key);
    }

    public boolean isEmpty() {
        return pairs.isEmpty();
    }
}
