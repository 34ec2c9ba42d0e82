package dev.tidemark.blockdevice.filter;

/**
 * A request as a predicate sees it.
 *
 * @param offsetBytes 0 for a flush
 * @param lengthBytes 0 for a flush
 * @param fua force unit access, for writes and zeroes
 */
public record Request(Kind kind, long offsetBytes, long lengthBytes, boolean fua) {
    /** What is asked. */
    public enum Kind {
        READ,
        WRITE,
        ZERO,
        TRIM,
        FLUSH,
        STATUS,
        PREFETCH
    }
}
