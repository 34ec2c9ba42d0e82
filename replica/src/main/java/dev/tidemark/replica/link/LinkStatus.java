package dev.tidemark.replica.link;

/**
 * What a link measures.
 *
 * @param sinceMicros wall-clock time at which it came up
 * @param roundTripNanos of the last heartbeat, 0 before the first answer
 * @param sentRawBytes bytes of DATA bodies before compression
 * @param sentWireBytes bytes of all frames as handed to TLS
 * @param receivedRawBytes as {@code sentRawBytes}, from the peer
 * @param receivedWireBytes as {@code sentWireBytes}, from the peer
 * @param streams number of connections
 * @param dialled whether this side dialled
 * @param address the peer's address and port of the first stream
 */
public record LinkStatus(
        long sinceMicros,
        long roundTripNanos,
        long sentRawBytes,
        long sentWireBytes,
        long receivedRawBytes,
        long receivedWireBytes,
        int streams,
        boolean dialled,
        String address) {}
