package dev.tidemark.storage;

/**
 * What a directory's file system turned out not to support: each call is tried until the file
 * system refuses it once. Shared by the files of a directory; racing threads at worst try once
 * more.
 */
final class FileSystemSupport {
    private volatile boolean cachedReads = true;
    private volatile boolean allocation = true;
    private volatile boolean holes = true;

    /** Reads of only what is cached ({@code RWF_NOWAIT}): not on tmpfs, nor on overlayfs. */
    boolean readsCached() {
        return cachedReads;
    }

    void noCachedReads() {
        cachedReads = false;
    }

    boolean allocates() {
        return allocation;
    }

    void noAllocation() {
        allocation = false;
    }

    boolean punches() {
        return holes;
    }

    void noHoles() {
        holes = false;
    }
}
