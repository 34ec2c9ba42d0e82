package dev.tidemark.gateway.exports;

import dev.tidemark.gateway.problem.ProblemException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An export's name taken apart: {@code disk}, {@code disk@point}, {@code disk@point~rw} or {@code
 * disk@point~rw=label}. Neither volumes nor points have a tilde in their names.
 *
 * @param volume may be empty: the only one
 * @param point as asked; null for the live disk
 * @param copy the label of a private copy, "" for the one without; null for none
 */
record ExportName(String volume, @Nullable String point, @Nullable String copy) {
    private static final Pattern LABEL = Pattern.compile("[A-Za-z0-9._-]{1,63}");

    static ExportName parse(String name) {
        int at = name.indexOf('@');
        if (at < 0) {
            return new ExportName(name, null, null);
        }
        String volume = name.substring(0, at);
        int tilde = name.indexOf('~', at);
        return tilde < 0
                ? new ExportName(volume, name.substring(at + 1), null)
                : new ExportName(volume, name.substring(at + 1, tilde), label(name, tilde));
    }

    private static String label(String name, int tilde) {
        String what = name.substring(tilde + 1);
        if (what.equals("rw")) {
            return "";
        }
        if (what.startsWith("rw=") && LABEL.matcher(what.substring(3)).matches()) {
            return what.substring(3);
        }
        throw ProblemException.invalid(
                "not a private copy",
                name,
                "behind the point comes ~rw or ~rw=label, a label of 1 to 63 letters, digits, '.', '_' or '-'",
                "ask for disk@point~rw");
    }

    /** How a copy's name ends. */
    static String suffix(String label) {
        return label.isEmpty() ? "~rw" : "~rw=" + label;
    }
}
