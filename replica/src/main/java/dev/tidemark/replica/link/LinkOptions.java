package dev.tidemark.replica.link;

/**
 * Settings of an endpoint.
 *
 * @param eventLoops threads for connections; 0 for one per processor
 * @param streams connections of a link that is dialled from here, 1 to 8
 * @param bytesPerSecond limit of each link's DATA, 0 for none
 * @param requestTimeoutMs how long an answer may take
 * @param maximumLinks links at the same time
 */
public record LinkOptions(
        int eventLoops, int streams, long bytesPerSecond, int requestTimeoutMs, int maximumLinks) {
    /** Two streams, no limit, 30 s for a request, 64 links. */
    public static final LinkOptions DEFAULT = new LinkOptions(2, 2, 0, 30_000, 64);

    static final int MAXIMUM_STREAMS = 8;

    public LinkOptions {
        require(eventLoops >= 0 && eventLoops <= 1024, "event loops", eventLoops);
        require(streams >= 1 && streams <= MAXIMUM_STREAMS, "streams", streams);
        require(bytesPerSecond >= 0, "bytes per second", bytesPerSecond);
        require(requestTimeoutMs >= 1, "request timeout", requestTimeoutMs);
        require(maximumLinks >= 1, "links", maximumLinks);
    }

    private static void require(boolean holds, String what, long value) {
        if (!holds) {
            throw new IllegalArgumentException(what + " " + value + " is out of range");
        }
    }
}
