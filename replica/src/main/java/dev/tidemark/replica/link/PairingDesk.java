package dev.tidemark.replica.link;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Where invitations are kept and pairings are written down. Thread-safe; must not block: {@link
 * #secret} answers from memory. Limits and proofs are checked before anything is asked here.
 */
public interface PairingDesk {
    /** This site's own card. */
    SiteCard own();

    /**
     * The secret of an invitation that is neither used nor expired, or null.
     *
     * @param secretId as of {@link PairingToken#secretId}
     */
    byte @Nullable [] secret(long secretId);

    /**
     * Uses an invitation up and writes the peer down, both or neither, durably. The peer has proved
     * that it knows the secret.
     *
     * @return false when the invitation was used meanwhile; a {@link PeerRefusedException} is told
     *     to the peer, any other failure is not
     */
    CompletableFuture<Boolean> paired(long secretId, SiteCard peer);
}
