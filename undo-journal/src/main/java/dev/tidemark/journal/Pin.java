package dev.tidemark.journal;

/**
 * Keeps what a view at a point needs: undo runs after its base, redo from there up to the point.
 */
public interface Pin extends AutoCloseable {
    Point point();

    /** Ends it. Idempotent. */
    @Override
    void close();
}
