package dev.tidemark.iscsi.pdu;

/**
 * Additional header segments (RFC 7143 section 11.2.2): a two-byte length that counts the bytes
 * after the type, the type, then as many bytes, padded to four.
 */
public final class AdditionalHeaders {
    private static final int EXTENDED_CDB = 1;
    private static final int BIDIRECTIONAL_READ = 2;

    /** The longest CDB is 260 bytes (SPC-4 section 4.2.3); 16 are in the basic header. */
    private static final int MAXIMUM_EXTENDED_CDB_BYTES = 244;

    private AdditionalHeaders() {}

    /** Whether the segments are those that a PDU of this kind may have, each of a right length. */
    static boolean wellFormed(int opcode, byte[] ahs) {
        if (ahs.length > 0 && opcode != Opcode.SCSI_COMMAND) {
            return false; // only SCSI commands have any
        }
        int at = 0;
        while (at < ahs.length) {
            int lengthBytes = lengthAt(ahs, at);
            boolean sound =
                    switch (ahs[at + 2]) {
                        case EXTENDED_CDB ->
                                lengthBytes >= 2 && lengthBytes <= MAXIMUM_EXTENDED_CDB_BYTES + 1;
                        case BIDIRECTIONAL_READ -> lengthBytes == 5;
                        default -> false;
                    };
            at += 3 + lengthBytes + Padding.of(3 + lengthBytes);
            if (!sound || at > ahs.length) {
                return false;
            }
        }
        return true;
    }

    /** Whether the command also reads into a second buffer. */
    public static boolean bidirectional(byte[] ahs) {
        for (int at = 0; at < ahs.length; ) {
            if (ahs[at + 2] == BIDIRECTIONAL_READ) {
                return true;
            }
            int lengthBytes = 3 + lengthAt(ahs, at);
            at += lengthBytes + Padding.of(lengthBytes);
        }
        return false;
    }

    private static int lengthAt(byte[] ahs, int at) {
        return (ahs[at] & 0xff) << 8 | (ahs[at + 1] & 0xff);
    }
}
