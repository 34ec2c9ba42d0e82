package dev.tidemark.gateway.catalogue;

import java.util.Locale;

/** How a recovery test ended; nothing is passed by default. */
public enum Verdict {
    PASSED,
    FAILED,
    INCONCLUSIVE;

    /** Lower case, as the API and the database write it. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Verdict of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }
}
