package dev.tidemark.journal;

/**
 * A point that cannot be had; the message says what was asked, the window and the nearest points.
 */
public final class PointException extends Exception {
    private static final long serialVersionUID = 1;

    /** Why there is no such point. */
    public enum Reason {
        /** Older than the window's tail. */
        TOO_OLD,
        /** After the newest record, or in the future. */
        TOO_NEW,
        /**
         * Inside the window, but between two checkpoints whose single writes are not kept any more.
         */
        NOT_FINE,
        /** No checkpoint of that name is kept. */
        UNKNOWN_NAME
    }

    private final Reason reason;

    PointException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
