package dev.tidemark.nbd;

/** Tells a connection's handler, through its pipeline, that the server is stopping. */
enum StopEvent {
    INSTANCE;

    /**
     * How long a client may take: one in the handshake to send an option and be told why it is
     * refused, any other to close its side.
     */
    static final int GRACE_MS = 200;
}
