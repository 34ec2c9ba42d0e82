package dev.tidemark.iscsi.target;

/** A target that could not be opened. */
public final class TargetOpenException extends Exception {
    private static final long serialVersionUID = 1;

    /** What the initiator is told. */
    public enum Kind {
        /** There is no such target (login status 0203). */
        UNKNOWN,
        /** This initiator may not use it (0202). */
        DENIED,
        /** It cannot be used now (0301). */
        UNAVAILABLE
    }

    /** What the initiator is told. */
    private final Kind kind;

    public TargetOpenException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
