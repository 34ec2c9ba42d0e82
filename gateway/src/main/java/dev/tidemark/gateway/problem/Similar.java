package dev.tidemark.gateway.problem;

import java.util.Collection;
import java.util.Locale;

/** Finds the name somebody probably meant. */
public final class Similar {
    private Similar() {}

    /**
     * {@code did you mean "x"?} for the nearest candidate, or the empty string when none is near.
     */
    public static String hint(String asked, Collection<String> candidates) {
        String best = "";
        int bestDistance = Math.max(2, asked.length() / 3) + 1;
        for (String candidate : candidates) {
            int distance = distance(fold(asked), fold(candidate));
            if (distance < bestDistance) {
                bestDistance = distance;
                best = candidate;
            }
        }
        return best.isEmpty() ? "" : "did you mean \"" + best + "\"?";
    }

    private static String fold(String text) {
        return text.toLowerCase(Locale.ROOT).replace('-', '_');
    }

    /** Levenshtein's distance, one row at a time. */
    static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(Math.min(row[j] + 1, row[j - 1] + 1), diagonal + change);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
