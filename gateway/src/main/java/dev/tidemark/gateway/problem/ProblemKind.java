package dev.tidemark.gateway.problem;

import java.util.Locale;

/** The kinds of problem, each with its HTTP status (RFC 9110 §15). */
public enum ProblemKind {
    /** An argument makes no sense; the request will never succeed as it is. */
    INVALID(400),
    /** The token is missing or wrong. */
    UNAUTHORIZED(401),
    /** No such thing, or no such route. */
    NOT_FOUND(404),
    /** The route exists, the method does not. */
    METHOD_NOT_ALLOWED(405),
    /** The name is taken. */
    EXISTS(409),
    /** Something that is in use stands in the way. */
    IN_USE(409),
    /** The point asked for is not in the history window. */
    OUTSIDE_WINDOW(410),
    /** The request's body exceeds the limit. */
    TOO_LARGE(413),
    /** The gateway contradicts itself or met what it does not know. */
    INTERNAL(500),
    /** The storage below failed. */
    IO(500),
    /** Stored data contradicts itself. */
    CORRUPT(500),
    /** The group has stopped for good, or the gateway is stopping. */
    FAILED(503),
    /** Another process holds it. */
    LOCKED(423),
    /** No room is left and none can be made. */
    NO_SPACE(507);

    private final int status;

    ProblemKind(int status) {
        this.status = status;
    }

    /** HTTP status code. */
    public int status() {
        return status;
    }

    /** The name in URIs and JSON: lower case, words joined by hyphens. */
    public String slug() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The kind with this slug; INTERNAL for an unknown one. */
    public static ProblemKind ofSlug(String slug) {
        for (ProblemKind kind : values()) {
            if (kind.slug().equals(slug)) {
                return kind;
            }
        }
        return INTERNAL;
    }
}
