package dev.tidemark.harness;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/**
 * A command for a target.
 *
 * @param family what it is a case of, for the table of differences
 * @param port which of the initiator's sessions sends it, from 0
 * @param out what it may fetch
 * @param inBytes how much it may bring, when it fetches nothing
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record ScsiCommand(String family, int port, int lun, byte[] cdb, byte[] out, int inBytes) {
    int opcode() {
        return cdb[0] & 0xff;
    }

    /** Whether it is VERIFY (10) or (16) with BYTCHK, whose data is compared with the disk's. */
    boolean comparesBytes() {
        return (opcode() == 0x2f || opcode() == 0x8f) && (cdb[1] & 6) != 0;
    }

    /** READ of the blocks that a VERIFY names, over the same port. */
    ScsiCommand readOfCompared() {
        byte[] read = cdb.clone();
        read[0] = (byte) (opcode() == 0x2f ? 0x28 : 0x88);
        read[1] = 0;
        int blocks =
                opcode() == 0x2f
                        ? ByteBuffer.wrap(cdb).getShort(7) & 0xffff
                        : ByteBuffer.wrap(cdb).getInt(10);
        return new ScsiCommand("compared", port, lun, read, new byte[0], blocks * 512);
    }

    /** Whether a VERIFY finds its data in these blocks: all of it, or one block in each. */
    boolean equalsHeld(byte[] held) {
        for (int i = 0; i < held.length; i++) {
            if (held[i] != out[i % out.length]) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return "%s, port %d, LUN %d, CDB %s, out %s, in %d"
                .formatted(
                        family,
                        port,
                        lun,
                        HexFormat.of().formatHex(cdb),
                        out.length <= 64
                                ? "[" + HexFormat.of().formatHex(out) + "]"
                                : out.length + " bytes",
                        inBytes);
    }
}
