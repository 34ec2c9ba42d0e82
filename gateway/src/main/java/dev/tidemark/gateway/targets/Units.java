package dev.tidemark.gateway.targets;

import dev.tidemark.gateway.exports.Disk;
import dev.tidemark.iscsi.target.UnitDescription;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * What disks say of themselves as logical units. The identifier is a digest of the disk's identity:
 * a volume keeps it through renaming and restarts, each point and each test of it has another, so
 * that a host can attach all of them at once.
 */
final class Units {
    /** {@link UnitDescription}: at most 60 bits. */
    private static final int DROPPED_BITS = 4;

    private Units() {}

    static UnitDescription describe(Disk disk, int blockBytes) {
        long identifier = identifier(disk.identity());
        String product =
                switch (disk.kind()) {
                    case LIVE -> "VOLUME";
                    case VIEW -> "POINT";
                    case COPY -> "COPY";
                    case TEST -> "TEST";
                };
        return new UnitDescription(
                identifier, "%015x".formatted(identifier), product, blockBytes, false);
    }

    static long identifier(String identity) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(identity.getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(digest).getLong() >>> DROPPED_BITS;
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
