package dev.tidemark.nbd;

/**
 * Whether a long read is worth a question about its zeros. A connection that has met none for a
 * while asks less often, so that copies of a full disk do not pay for what they cannot win. Belongs
 * to an event loop.
 */
final class SparseHunch {
    /** So many answers without zeros in a row make a disk dense, and so many reads go unasked. */
    static final int PATIENCE = 16;

    private int denseAnswers;
    private int unasked;

    /** Asked once for every read that could be sparse. */
    boolean worthAsking() {
        if (denseAnswers < PATIENCE) {
            return true;
        }
        unasked = (unasked + 1) % PATIENCE;
        return unasked == 0;
    }

    /** What a question has come to. */
    void answered(boolean sparse) {
        denseAnswers = sparse ? 0 : Math.min(denseAnswers + 1, PATIENCE);
    }
}
