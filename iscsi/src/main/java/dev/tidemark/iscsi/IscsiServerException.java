package dev.tidemark.iscsi;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A server that could not start. The message says which portal, why, and what to do. */
public final class IscsiServerException extends IOException {
    private static final long serialVersionUID = 1;

    IscsiServerException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
