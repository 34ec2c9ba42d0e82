package dev.tidemark.journal;

/**
 * Keeps redo after a sequence number from retention, for somebody who is going to read it.
 * Thread-safe.
 */
public interface RedoHold extends AutoCloseable {
    /** Everything up to this sequence number is needed no longer. Never goes back. */
    void advance(long sequence);

    /** Nothing is needed any longer. Idempotent. */
    @Override
    void close();
}
