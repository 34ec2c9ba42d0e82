package dev.tidemark.replica.ship;

import java.util.UUID;

/** Hears of the shipping of groups. On the shipping's executor; must not block. */
public interface ShippingListener {
    /** It does something else now. */
    default void changed(UUID group, UUID peer, ShippingState state, String reason) {}

    /**
     * The peer gave the group back to this site in a tenure that this one does not know yet; asked
     * again in a moment.
     */
    default void behind(UUID group, UUID peer) {}

    /** The peer knows a greater tenure of the group: this site must stop serving it. */
    default void fenced(UUID group, UUID peer, String reason) {}
}
