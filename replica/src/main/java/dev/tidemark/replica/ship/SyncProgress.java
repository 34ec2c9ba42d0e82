package dev.tidemark.replica.ship;

/**
 * How far a synchronisation has come. Bytes all.
 *
 * @param totalBytes sizes of all volumes
 * @param passedBytes of them, what the walk has passed
 * @param readBytes read from the live disks
 * @param sentBytes content sent, before compression
 * @param zeroedBytes ranges the copy was told to zero
 * @param equalBytes compared by hash and found equal
 */
public record SyncProgress(
        long totalBytes,
        long passedBytes,
        long readBytes,
        long sentBytes,
        long zeroedBytes,
        long equalBytes) {
    static final SyncProgress NONE = new SyncProgress(0, 0, 0, 0, 0, 0);

    SyncProgress passed(long total, long bytes) {
        return new SyncProgress(
                total, passedBytes + bytes, readBytes, sentBytes, zeroedBytes, equalBytes);
    }

    SyncProgress read(long bytes) {
        return new SyncProgress(
                totalBytes, passedBytes, readBytes + bytes, sentBytes, zeroedBytes, equalBytes);
    }

    SyncProgress sent(long bytes) {
        return new SyncProgress(
                totalBytes, passedBytes, readBytes, sentBytes + bytes, zeroedBytes, equalBytes);
    }

    SyncProgress zeroed(long bytes) {
        return new SyncProgress(
                totalBytes, passedBytes, readBytes, sentBytes, zeroedBytes + bytes, equalBytes);
    }

    SyncProgress equal(long bytes) {
        return new SyncProgress(
                totalBytes, passedBytes, readBytes, sentBytes, zeroedBytes, equalBytes + bytes);
    }
}
