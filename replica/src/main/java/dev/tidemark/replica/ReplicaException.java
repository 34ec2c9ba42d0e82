package dev.tidemark.replica;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A failed operation on a protection group; the message says what, value, limit and what to do. */
public final class ReplicaException extends Exception {
    private static final long serialVersionUID = 1;

    /** What went wrong, for callers that map it to their own codes. */
    public enum Kind {
        /** No such volume, image, checkpoint or group. */
        NOT_FOUND,
        /** The name or id is taken. */
        EXISTS,
        /** Handles, images or another promotion are in the way. */
        IN_USE,
        /** An argument makes no sense. */
        INVALID,
        /** Neither the pool nor the file system has room, and none can be made. */
        NO_SPACE,
        /** Stored data contradicts itself; nothing was changed. */
        CORRUPT,
        /** Another process has the group open. */
        LOCKED,
        /** The storage below failed. */
        IO,
        /** The group has stopped for good after a failed force, or is closed. */
        FAILED,
        /** The point asked for is not in the history window. */
        OUTSIDE_WINDOW
    }

    private final Kind kind;

    public ReplicaException(Kind kind, String message) {
        this(kind, message, null);
    }

    public ReplicaException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = Objects.requireNonNull(kind);
    }

    public Kind kind() {
        return kind;
    }
}
