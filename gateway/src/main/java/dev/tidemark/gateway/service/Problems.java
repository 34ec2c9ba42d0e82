package dev.tidemark.gateway.service;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.wire.Wire.ProblemDocument;
import java.util.Locale;

/** Problems as documents (RFC 9457 §3.1). */
public final class Problems {
    private Problems() {}

    public static ProblemDocument document(Problem problem) {
        String slug = problem.kind().slug();
        return new ProblemDocument(
                "urn:tidemark:problem:" + slug,
                slug.substring(0, 1).toUpperCase(Locale.ROOT) + slug.substring(1).replace('-', ' '),
                problem.kind().status(),
                problem.what(),
                problem.value(),
                problem.limit(),
                problem.remedy().isEmpty() ? null : problem.remedy());
    }
}
