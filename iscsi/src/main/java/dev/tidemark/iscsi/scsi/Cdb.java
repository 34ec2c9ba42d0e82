package dev.tidemark.iscsi.scsi;

import java.nio.ByteBuffer;
import java.util.Set;

/**
 * A command descriptor block (SPC-4 section 4.2).
 *
 * @param bytes 16 bytes, zero-filled; longer commands are not served
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record Cdb(byte[] bytes) {
    /** Operation codes whose byte 1 says more (SPC-4 section 4.2.5). */
    private static final Set<Integer> WITH_SERVICE_ACTION =
            Set.of(0x48, 0x5e, 0x5f, 0x83, 0x84, 0x9e, 0xa3, 0xa4);

    int operation() {
        return bytes[0] & 0xff;
    }

    static boolean hasServiceAction(int operation) {
        return WITH_SERVICE_ACTION.contains(operation);
    }

    int serviceAction() {
        return bytes[1] & 0x1f;
    }

    int at(int offset) {
        return bytes[offset] & 0xff;
    }

    boolean bit(int offset, int mask) {
        return (bytes[offset] & mask) != 0;
    }

    int shortAt(int offset) {
        return at(offset) << 8 | at(offset + 1);
    }

    long intAt(int offset) {
        return ByteBuffer.wrap(bytes).getInt(offset) & 0xffffffffL;
    }

    long longAt(int offset) {
        return ByteBuffer.wrap(bytes).getLong(offset);
    }

    /** Length in bytes by the operation code's group (SPC-4 section 4.2.5.1). */
    static int lengthBytes(int operation) {
        return switch (operation >> 5) {
            case 0 -> 6;
            case 1, 2 -> 10;
            case 4 -> 16;
            case 5 -> 12;
            default -> 16;
        };
    }

    /** The first block of a read, write or verify; unsigned. */
    long block() {
        return switch (operation() >> 5) {
            case 0 -> (bytes[1] & 0x1fL) << 16 | shortAt(2);
            case 4 -> longAt(2);
            default -> intAt(2);
        };
    }

    /** Blocks to transfer; 0 means 256 in six bytes (SBC-3 section 5.7). */
    long blocks() {
        return switch (operation() >> 5) {
            case 0 -> at(4) == 0 ? 256 : at(4);
            case 4 -> intAt(10);
            case 5 -> intAt(6);
            default -> shortAt(7);
        };
    }
}
