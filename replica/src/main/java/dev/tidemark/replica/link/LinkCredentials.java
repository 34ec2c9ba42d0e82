package dev.tidemark.replica.link;

import java.security.cert.X509Certificate;
import java.util.List;
import java.util.UUID;

/**
 * Who this site is, and whom it trusts. Thread-safe; asked at each handshake and heartbeat, so it
 * answers from memory.
 */
public interface LinkCredentials {
    /** This site's id. */
    UUID site();

    /** This site's name. */
    String siteName();

    /** The program's version, for people. */
    String programVersion();

    /**
     * The key in force. A new object for a new key; links that are up keep the one they began with.
     */
    SiteIdentity identity();

    /**
     * Checks everything that makes a certificate a peer's: signed by the authority exchanged at
     * pairing, within its time, naming the site, not revoked. The handshake has proved possession
     * of the key, nothing else.
     *
     * @param chain as the peer sent it, its own certificate first, never empty
     * @return the peer's site id
     * @throws PeerRefusedException with a text for the log here and for people there
     */
    UUID verified(List<X509Certificate> chain) throws PeerRefusedException;
}
