package dev.tidemark.gateway.service;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import org.jspecify.annotations.Nullable;

/** Fields that a request must have. */
public final class Required {
    private Required() {}

    static <T> T field(String name, @Nullable T value) {
        if (value == null) {
            throw new ProblemException(
                    new Problem(
                            ProblemKind.INVALID,
                            "the field " + name + " is missing",
                            null,
                            "it is required",
                            "send it; /openapi.json describes the request"));
        }
        return value;
    }

    /** A text that must be there. */
    public static String text(String name, @Nullable String value) {
        return field(name, value);
    }

    static String orEmpty(@Nullable String value) {
        return value == null ? "" : value;
    }
}
