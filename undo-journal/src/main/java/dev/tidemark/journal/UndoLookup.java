package dev.tidemark.journal;

import java.nio.ByteBuffer;

/**
 * First hits in the undo runs after one boundary, with a memory per region; belongs to one view.
 * Thread-safe.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class UndoLookup {
    /** Returned instead of a run number when an index block is not in memory. */
    public static final long WOULD_BLOCK = -1;

    /** Receives a lookup's parts, ascending, covering the range asked for exactly. */
    public interface Visitor {
        /** A part that some run after the boundary holds; the earliest such run's entry. */
        void beforeImage(long offsetBytes, long lengthBytes, BeforeImage image);

        /** A part in no run considered: gold holds it. */
        void gold(long offsetBytes, long lengthBytes);
    }

    UndoLookup() {}

    /**
     * Looks a range up.
     *
     * @param cachedOnly never wait for a disk
     * @return the newest run considered, or {@link #WOULD_BLOCK} (then the visitor saw nothing)
     */
    public long resolve(
            int volume, long offsetBytes, long lengthBytes, boolean cachedOnly, Visitor visitor)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Like {@link #resolve} but only in runs after {@code run}: the look again after gold. */
    public long resolveAfter(
            long run,
            int volume,
            long offsetBytes,
            long lengthBytes,
            boolean cachedOnly,
            Visitor visitor)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    /**
     * Fills {@code target} with the bytes of a before-image from {@code fromBytes} (an offset in
     * the volume) on; verified.
     *
     * @return false when it would have to wait; the target's position is then unchanged
     */
    public boolean read(BeforeImage image, long fromBytes, ByteBuffer target, boolean cachedOnly)
            throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Forgets what was remembered. The pin that keeps the runs is the view's own. */
    public void close() {}
}
