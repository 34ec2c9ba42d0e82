package dev.tidemark.gateway.catalogue;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A group on its way from one site to another, as far as this site has a part in it.
 *
 * @param peer the other site
 * @param tenure that the taking site claims; of {@link Phase#LEAVING} 0
 * @param point the exact point that is taken, or {@link #LATEST}
 * @param policy what happens by itself: none, commit or rollback
 * @param afterMillis how long after the takeover that is; 0 for at once
 * @param deadlineMicros when that is, microseconds since 1970; null before the takeover and for
 *     none
 */
public record HandoverRow(
        UUID group,
        UUID peer,
        Phase phase,
        int tenure,
        String point,
        String policy,
        long afterMillis,
        @Nullable Long deadlineMicros,
        long startedMicros) {

    /** The {@link #point} of who wants all that the copy has. */
    public static final String LATEST = "latest";

    /** Where it is; written before it counts. */
    public enum Phase {
        /** This site gives the group to the peer: hosts are refused, the rest is shipped. */
        LEAVING,
        /** This site is about to take the group over. */
        TAKING,
        /** It has, and can still give it back. */
        TAKEN,
        /** It gives the group back. */
        RETURNING
    }

    public HandoverRow with(Phase next) {
        return new HandoverRow(
                group,
                peer,
                next,
                tenure,
                point,
                policy,
                afterMillis,
                deadlineMicros,
                startedMicros);
    }

    /** The same, in a greater tenure. */
    public HandoverRow claiming(int greater) {
        return new HandoverRow(
                group,
                peer,
                phase,
                greater,
                point,
                policy,
                afterMillis,
                deadlineMicros,
                startedMicros);
    }

    /** Taken, to be committed or given back at a time. */
    public HandoverRow taken(@Nullable Long deadline) {
        return new HandoverRow(
                group,
                peer,
                Phase.TAKEN,
                tenure,
                point,
                policy,
                afterMillis,
                deadline,
                startedMicros);
    }
}
