package dev.tidemark.nbd;

/**
 * What one connection may use.
 *
 * @param handshakeTimeoutMs a client that has not entered transmission by then is dropped; the time
 *     an export takes to open does not count
 * @param maximumOptions options a client may send; {@link #OPTIONS_PER_EXPORT} more for every
 *     export it was shown
 * @param inFlightRequests requests without a reply; at this many the socket is not read
 * @param inFlightBytes payload of requests without a reply; past this many the socket is not read,
 *     but a single request is always let through
 * @param outboundBytes replies the client has not taken; past this many the socket is not read
 */
public record NbdLimits(
        int handshakeTimeoutMs,
        int maximumOptions,
        int inFlightRequests,
        long inFlightBytes,
        int outboundBytes) {

    /** A client that walks through a list asks a few things about each export. */
    public static final int OPTIONS_PER_EXPORT = 32;

    /** The limits used unless others are given. */
    public static final NbdLimits DEFAULT = new NbdLimits(10_000, 64, 1024, 64L << 20, 8 << 20);

    /** Checks the ranges. */
    public NbdLimits {
        requireWithin("handshake timeout (ms)", handshakeTimeoutMs, 1, 3_600_000);
        requireWithin("maximum options", maximumOptions, 1, 1_000_000);
        requireWithin("in-flight requests", inFlightRequests, 1, 1_000_000);
        requireWithin("in-flight bytes", inFlightBytes, 1, 1L << 40);
        requireWithin("outbound bytes", outboundBytes, 2, 1 << 30);
    }

    private static void requireWithin(String what, long value, long minimum, long maximum) {
        if (value < minimum || value > maximum) {
            throw new IllegalArgumentException(
                    "%s %d is not between %d and %d".formatted(what, value, minimum, maximum));
        }
    }

    /** The same with another handshake clock. */
    public NbdLimits withHandshakeTimeoutMs(int timeoutMs) {
        return new NbdLimits(
                timeoutMs, maximumOptions, inFlightRequests, inFlightBytes, outboundBytes);
    }

    /** The same with other budgets for what is in flight. */
    public NbdLimits withInFlight(int requests, long bytes) {
        return new NbdLimits(handshakeTimeoutMs, maximumOptions, requests, bytes, outboundBytes);
    }
}
