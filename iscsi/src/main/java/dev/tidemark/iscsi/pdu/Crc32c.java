package dev.tidemark.iscsi.pdu;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Digests (RFC 7143 section 13.1): CRC32C over a segment and its padding. The checksum travels with
 * its least significant byte first, as the section's examples show.
 */
public final class Crc32c {
    private static final byte[] ZEROS = new byte[4];

    private Crc32c() {}

    /** The digest of the readable bytes of {@code data}, whose index does not move, padded. */
    public static int of(ByteBuf data) {
        CRC32C crc = new CRC32C();
        int lengthBytes = data.readableBytes();
        if (lengthBytes > 0) {
            for (ByteBuffer part : data.nioBuffers()) {
                crc.update(part);
            }
        }
        crc.update(ZEROS, 0, Padding.of(lengthBytes));
        return (int) crc.getValue();
    }

    /** The digest of a basic header and its additional headers. */
    public static int of(byte[] header, byte[] ahs) {
        CRC32C crc = new CRC32C();
        crc.update(header);
        crc.update(ahs);
        return (int) crc.getValue();
    }
}
