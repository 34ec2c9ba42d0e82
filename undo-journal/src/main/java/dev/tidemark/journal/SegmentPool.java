package dev.tidemark.journal;

/**
 * Storage units shared by the groups of a gateway: an account of bytes against a budget.
 * Thread-safe.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class SegmentPool {
    private final long budgetBytes;

    /**
     * @param budgetBytes most bytes all segments together may occupy; {@link Long#MAX_VALUE} for an
     *     account without a limit
     */
    public SegmentPool(long budgetBytes) {
        this.budgetBytes = budgetBytes;
    }

    public long budgetBytes() {
        return budgetBytes;
    }

    public long usedBytes() {
        throw new UnsupportedOperationException();
    }
}
