package dev.tidemark.execution;

import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** What went wrong, without what futures wrap it in. */
public final class Causes {
    private Causes() {}

    /** The failure that a future was completed with, however many stages it has come through. */
    public static Throwable of(Throwable failure) {
        Throwable cause = failure;
        for (Throwable inner = cause.getCause();
                inner != null
                        && (cause instanceof CompletionException
                                || cause instanceof ExecutionException);
                inner = cause.getCause()) {
            cause = inner;
        }
        return cause;
    }
}
