package dev.tidemark.storage;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A failed storage operation; the message names the file, the operation and, where one exists, the
 * limit.
 */
public final class StorageException extends IOException {
    private static final long serialVersionUID = 1;

    public enum Kind {
        /**
         * No room on the file system (ENOSPC, EDQUOT). Nothing was lost; the operation may be tried
         * again.
         */
        NO_SPACE,
        NOT_FOUND,
        EXISTS,
        /** Another process holds the directory's lock. */
        LOCKED,
        /** EIO and everything else. */
        IO
    }

    private final Kind kind;

    public StorageException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
