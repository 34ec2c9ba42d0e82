package dev.tidemark.journal;

/**
 * Keeps redo after a sequence number from retention, for somebody who is going to read it; what is
 * kept does not count in the history's byte budget. When there is no room for what hosts write, it
 * is given up. Thread-safe.
 */
public interface RedoHold extends AutoCloseable {
    /** Everything up to this sequence number is needed no longer. Never goes back. */
    void advance(long sequence);

    /** Nothing is needed any longer. Idempotent. */
    @Override
    void close();
}
