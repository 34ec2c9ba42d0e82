package dev.tidemark.gateway.catalogue;

import java.util.UUID;

/**
 * That a group is copied to a peer.
 *
 * @param paused whether an administrator has stopped the shipping, or it waits to be begun
 * @param known newest record, by this site's number, that the copy was seen to have
 * @param limitBytes what is sent a second at most; 0 for no limit
 */
public record ProtectionRow(
        UUID group, UUID peer, long createdMicros, boolean paused, long known, long limitBytes) {
    public ProtectionRow withPaused(boolean now) {
        return new ProtectionRow(group, peer, createdMicros, now, known, limitBytes);
    }

    public ProtectionRow withKnown(long now) {
        return new ProtectionRow(group, peer, createdMicros, paused, now, limitBytes);
    }

    public ProtectionRow withLimit(long now) {
        return new ProtectionRow(group, peer, createdMicros, paused, known, now);
    }
}
