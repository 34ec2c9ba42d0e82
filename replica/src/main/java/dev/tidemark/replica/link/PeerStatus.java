package dev.tidemark.replica.link;

import org.jspecify.annotations.Nullable;

/**
 * How it stands with a peer.
 *
 * @param reason why it is not connected, for people; empty when nothing is known
 * @param refusal why the peer (or this site) refused, when REFUSED
 * @param link of the link that is up, when CONNECTED
 */
public record PeerStatus(
        State state, String reason, @Nullable Refusal refusal, @Nullable LinkStatus link) {
    /** The states. */
    public enum State {
        /** A link is up. */
        CONNECTED,
        /** Not connected: dialling goes on, or the peer is waited for. */
        WAITING,
        /**
         * The last attempt was refused by one of the two; dialling goes on, at the slowest pace.
         */
        REFUSED
    }
}
