package dev.tidemark.nbd;

/**
 * Hears what the server does, for counters and histograms. Called on event loops, must not block
 * and should not allocate. Every method does nothing by default.
 */
public interface NbdMetrics {
    /** Hears nothing; the server then does not read the clock for requests either. */
    NbdMetrics NONE = new NbdMetrics() {};

    /** A client has connected. */
    default void connectionOpened() {}

    /** A connection has ended, in whatever way. */
    default void connectionClosed() {}

    /**
     * A connection ended before it entered transmission, for another reason than the client's wish.
     */
    default void handshakeFailed() {}

    /** A session goes on inside TLS. */
    default void tlsStarted() {}

    /** A client asked for TLS and no session came of it. */
    default void tlsFailed() {}

    /** A connection has entered transmission. */
    default void exportOpened(String canonicalName) {}

    /** A connection that had entered transmission has given its export back. */
    default void exportClosed(String canonicalName) {}

    /**
     * A request was answered.
     *
     * @param canonicalName the export's
     * @param lengthBytes the request's length field, whether it moved that many bytes or not
     * @param error {@link NbdError#OK} for success
     * @param latencyNanos from the request's last byte to its reply being queued for the socket
     */
    default void requestAnswered(
            String canonicalName,
            NbdCommand command,
            long lengthBytes,
            NbdError error,
            long latencyNanos) {}

    /** A connection stopped reading its socket because one of its limits was reached. */
    default void readingPaused() {}
}
