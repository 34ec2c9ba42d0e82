package dev.tidemark.gateway.config;

import java.util.function.Function;

/**
 * A key of the configuration.
 *
 * @param name dotted: table and key
 * @param type what the file writes: size, duration, integer, boolean, text or list
 * @param defaultText the default as the file would write it
 * @param range what is accepted, in words
 * @param effect what it does, in one sentence
 * @param parser from the file's text; throws ProblemException for what is out of range
 */
public record SettingKey<T>(
        String name,
        ValueType type,
        String defaultText,
        String range,
        String effect,
        Function<String, T> parser) {

    /** How a value is written in TOML. */
    public enum ValueType {
        /** A quoted size with a unit, or a bare number of bytes. */
        SIZE,
        /** A quoted duration with a unit. */
        DURATION,
        INTEGER,
        BOOLEAN,
        TEXT,
        /** A list of quoted texts; the parser sees them joined by commas. */
        LIST,
        /** A list of quoted texts that may hold commas; the parser sees one a line. */
        LINES
    }

    /** The table: everything before the last dot. */
    public String table() {
        return name.substring(0, name.lastIndexOf('.'));
    }

    /** The key inside its table. */
    public String key() {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    /** The default as TOML. */
    public String defaultToml() {
        return toml(defaultText);
    }

    /** A value of this key as TOML. */
    public String toml(String text) {
        return switch (type) {
            case INTEGER, BOOLEAN -> text;
            case SIZE, DURATION, TEXT -> quote(text);
            case LIST -> list(text, ",");
            case LINES -> list(text, "\n");
        };
    }

    private static String list(String text, String separator) {
        if (text.isEmpty()) {
            return "[]";
        }
        StringBuilder list = new StringBuilder("[");
        for (String entry : text.split(separator, -1)) {
            list.append(list.length() > 1 ? ", " : "").append(quote(entry));
        }
        return list.append(']').toString();
    }

    private static String quote(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
