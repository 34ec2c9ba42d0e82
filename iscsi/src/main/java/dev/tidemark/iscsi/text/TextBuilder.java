package dev.tidemark.iscsi.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes pairs. */
public final class TextBuilder {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** Adds a pair. */
    public TextBuilder add(String key, String value) {
        assert key.indexOf('=') < 0 && value.indexOf('\0') < 0 : key;
        bytes.writeBytes((key + '=' + value + '\0').getBytes(StandardCharsets.UTF_8));
        return this;
    }

    public TextBuilder add(String key, long value) {
        return add(key, String.valueOf(value));
    }

    /** All pairs, each ended by a zero byte. */
    public byte[] build() {
        return bytes.toByteArray();
    }

    public boolean isEmpty() {
        return bytes.size() == 0;
    }
}
