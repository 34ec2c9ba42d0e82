package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The sum of bodies in their order: the same at both ends when what arrives is what was sent. */
final class ContentSum {
    /** Which sum. CRC32C takes next to no time, so it does not count where time is measured. */
    enum Kind {
        CRC_32C,
        SHA_256
    }

    private final @Nullable MessageDigest digest;
    private final CRC32C checksum = new CRC32C();

    ContentSum(Kind kind) {
        try {
            digest = kind == Kind.CRC_32C ? null : MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }

    void add(ByteBuf body) {
        for (ByteBuffer part : body.nioBuffers()) {
            if (digest == null) {
                checksum.update(part);
            } else {
                digest.update(part);
            }
        }
    }

    String end() {
        return digest == null
                ? Long.toHexString(checksum.getValue())
                : HexFormat.of().formatHex(digest.digest());
    }
}
