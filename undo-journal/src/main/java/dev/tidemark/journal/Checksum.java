package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC-32C (RFC 3720 §12.1) of byte ranges. One instance per thread at a time. */
final class Checksum {
    private final CRC32C crc = new CRC32C();

    /** Of the remaining bytes of {@code buffer}, whose position does not move. */
    static int of(ByteBuffer buffer) {
        return of(buffer, buffer.position(), buffer.remaining());
    }

    /** Of a range of {@code buffer}, whatever its position and limit are. */
    static int of(ByteBuffer buffer, int index, int lengthBytes) {
        CRC32C crc = new CRC32C();
        crc.update(buffer.slice(index, lengthBytes));
        return (int) crc.getValue();
    }

    Checksum reset() {
        crc.reset();
        return this;
    }

    /** Adds the remaining bytes, and moves the buffer's position over them. */
    Checksum update(ByteBuffer buffer) {
        crc.update(buffer);
        return this;
    }

    int value() {
        return (int) crc.getValue();
    }
}
