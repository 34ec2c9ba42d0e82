package dev.tidemark.gateway.problem;

import org.jspecify.annotations.Nullable;

/** A failed control operation; carries the problem that the API and the command line show. */
public final class ProblemException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Problem problem;

    public ProblemException(Problem problem) {
        this(problem, null);
    }

    public ProblemException(Problem problem, @Nullable Throwable cause) {
        super(problem.sentence(), cause);
        this.problem = problem;
    }

    public Problem problem() {
        return problem;
    }

    public static ProblemException of(ProblemKind kind, String what) {
        return new ProblemException(Problem.of(kind, what));
    }

    /** A refused argument. */
    public static ProblemException invalid(String what, String value, String limit, String remedy) {
        return new ProblemException(new Problem(ProblemKind.INVALID, what, value, limit, remedy));
    }

    /** Something that is not there. */
    public static ProblemException notFound(String what, String value, String remedy) {
        return new ProblemException(new Problem(ProblemKind.NOT_FOUND, what, value, null, remedy));
    }
}
