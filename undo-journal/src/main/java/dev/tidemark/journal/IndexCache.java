package dev.tidemark.journal;

/**
 * Index blocks and fences of undo runs, shared by the groups of a gateway and bounded in bytes.
 * Thread-safe.
 */
public final class IndexCache {
    private final long maximumBytes;

    public IndexCache(long maximumBytes) {
        this.maximumBytes = maximumBytes;
    }

    public long maximumBytes() {
        return maximumBytes;
    }
}
