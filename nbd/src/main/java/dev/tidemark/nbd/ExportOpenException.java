package dev.tidemark.nbd;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An export that could not be opened. The message goes to the client: what, value, limit. */
public final class ExportOpenException extends Exception {
    private static final long serialVersionUID = 1;

    /** What the client is told besides the text. */
    public enum Kind {
        /** There is no such export. */
        UNKNOWN,
        /** The export exists but may not be opened this way. */
        POLICY,
        /** The client may have the export inside TLS only. */
        TLS_REQUIRED,
        /** The server is stopping. */
        SHUTDOWN,
        /** Anything else: for the client the export is not available. */
        OTHER
    }

    /** What the client is told besides the text. */
    private final Kind kind;

    /** A failure without a cause worth keeping. */
    public ExportOpenException(Kind kind, String message) {
        this(kind, message, null);
    }

    /** A failure that another one caused. */
    public ExportOpenException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** What the client is told besides the text. */
    public Kind kind() {
        return kind;
    }

    /** The text for the client. */
    String text() {
        return Objects.requireNonNullElse(getMessage(), kind.name());
    }
}
