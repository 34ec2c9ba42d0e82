package dev.tidemark.harness;

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
