package dev.tidemark.journal;

import dev.tidemark.storage.StorageException;
import org.jspecify.annotations.Nullable;

/** A failed journal operation; the message says what, value, limit and what to do. */
public final class JournalException extends Exception {
    private static final long serialVersionUID = 1;

    /** What kind of failure it is. */
    public enum Kind {
        /** No room in the pool or on the file system; may be tried again. */
        NO_SPACE,
        /** A checksum did not match, a file is foreign, truncated or missing. */
        CORRUPT,
        /** The storage refused; nothing else is known. */
        IO,
        /** The journal has stopped for good after a failed force. */
        FAILED,
        /** The journal is closed. */
        CLOSED
    }

    private final Kind kind;

    JournalException(Kind kind, String message) {
        this(kind, message, null);
    }

    JournalException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** A storage failure that nothing but the operation itself is lost by. */
    static JournalException of(String operation, StorageException cause) {
        Kind kind = cause.kind() == StorageException.Kind.NO_SPACE ? Kind.NO_SPACE : Kind.IO;
        return new JournalException(kind, operation + ": " + cause.getMessage(), cause);
    }

    public Kind kind() {
        return kind;
    }
}
