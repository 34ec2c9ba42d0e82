package dev.tidemark.nbd;

import java.util.concurrent.Executor;
import javax.net.ssl.SSLEngine;

/** How a server speaks TLS; implemented by whoever holds its keys. Thread-safe. */
public interface TlsOffer {

    /**
     * Whether a plain session may do nothing but start TLS or end (proto.md "FORCEDTLS mode"); the
     * same on every call.
     */
    boolean required();

    /**
     * The server's side of one connection, with the keys and trust of this moment. Called on an
     * event loop, must not block.
     */
    SSLEngine newEngine();

    /** Computes the costly steps of a TLS handshake, away from the event loops. */
    Executor executor();
}
