package dev.tidemark.nbd;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A server that could not start. The message says which address, why, and what to do. */
public final class NbdServerException extends IOException {
    private static final long serialVersionUID = 1;

    NbdServerException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
