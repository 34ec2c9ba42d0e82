package dev.tidemark.gateway.service;

import java.util.UUID;

/**
 * Ids of images that belong to a client's private copy and not to a recovery test. They are of
 * version 8 (RFC 9562 §5.8), where those of tests are random ones of version 4: so a start knows
 * what a crash left, without a record of it.
 */
public final class PrivateImages {
    private static final int VERSION = 8;
    private static final long VERSION_MASK = 0xF000L;

    private PrivateImages() {}

    public static UUID newId() {
        UUID random = UUID.randomUUID();
        long high = (random.getMostSignificantBits() & ~VERSION_MASK) | (VERSION << 12);
        return new UUID(high, random.getLeastSignificantBits());
    }

    public static boolean isPrivate(UUID image) {
        return image.version() == VERSION;
    }
}
