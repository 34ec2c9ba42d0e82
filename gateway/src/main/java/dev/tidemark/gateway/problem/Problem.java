package dev.tidemark.gateway.problem;

import org.jspecify.annotations.Nullable;

/**
 * One thing that is wrong.
 *
 * @param what a sentence without its final stop
 * @param value the offending value, null when there is none
 * @param limit what is accepted or what stands in the way, null when the sentence says it
 * @param remedy what to do, empty when the sentence says it
 */
public record Problem(
        ProblemKind kind,
        String what,
        @Nullable String value,
        @Nullable String limit,
        String remedy) {

    /** A problem whose sentence says everything. */
    public static Problem of(ProblemKind kind, String what) {
        return new Problem(kind, what, null, null, "");
    }

    /** The whole problem in one line: {@code what: "value" (limit); remedy}. */
    public String sentence() {
        StringBuilder line = new StringBuilder(what);
        if (value != null) {
            line.append(": \"").append(value).append('"');
        }
        if (limit != null) {
            line.append(" (").append(limit).append(')');
        }
        if (!remedy.isEmpty()) {
            line.append("; ").append(remedy);
        }
        return line.toString();
    }
}
