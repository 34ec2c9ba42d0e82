package dev.tidemark.gateway.catalogue;

import java.util.UUID;

/**
 * That a group is copied to a peer.
 *
 * @param paused whether an administrator has stopped the shipping, or it waits to be begun
 * @param known newest record, by this site's number, that the copy was seen to have
 */
public record ProtectionRow(
        UUID group, UUID peer, long createdMicros, boolean paused, long known) {}
