package dev.tidemark.nbd;

/** Tells a connection's handler, through its pipeline, that the server is stopping. */
enum StopEvent {
    INSTANCE;

    /**
     * How long an idle client may still send something and be told why it is refused, before its
     * connection is closed.
     */
    static final int GRACE_MS = 200;
}
