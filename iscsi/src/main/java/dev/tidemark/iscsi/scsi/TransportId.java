package dev.tidemark.iscsi.scsi;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * TransportIDs of iSCSI initiator ports (SPC-4 section 7.6.4.6): format 01b, protocol 5, a length,
 * and the port's name, ended by a zero byte and padded to four bytes.
 */
final class TransportId {
    private static final int WITH_ISID = 0x45;
    private static final int HEADER_BYTES = 4;
    private static final String SEPARATOR = ",i,0x";

    private TransportId() {}

    static byte[] encode(NexusId nexus) {
        byte[] name = nexus.initiatorPort().getBytes(StandardCharsets.UTF_8);
        int paddedBytes = (name.length + 1 + 3) / 4 * 4;
        byte[] id = new byte[HEADER_BYTES + paddedBytes];
        id[0] = WITH_ISID;
        id[2] = (byte) (paddedBytes >> 8);
        id[3] = (byte) paddedBytes;
        System.arraycopy(name, 0, id, HEADER_BYTES, name.length);
        return id;
    }

    /** The nexus of an initiator port with the target port that is asked. */
    static NexusId decode(byte[] id, NexusId asker) throws ScsiError {
        if (id.length < HEADER_BYTES + 1 || (id[0] & 0xff) != WITH_ISID) {
            throw ScsiError.invalidParameter(24);
        }
        int lengthBytes = (id[2] & 0xff) << 8 | (id[3] & 0xff);
        if (lengthBytes > id.length - HEADER_BYTES) {
            throw ScsiError.parameterListLength();
        }
        byte[] name = Arrays.copyOfRange(id, HEADER_BYTES, HEADER_BYTES + lengthBytes);
        String text = new String(name, StandardCharsets.UTF_8);
        int end = text.indexOf('\0');
        String port = end < 0 ? text : text.substring(0, end);
        int separator = port.indexOf(SEPARATOR);
        if (separator <= 0) {
            throw ScsiError.invalidParameter(24);
        }
        try {
            long isid = Long.parseLong(port, separator + SEPARATOR.length(), port.length(), 16);
            String initiator = port.substring(0, separator).toLowerCase(Locale.ROOT);
            return new NexusId(
                    initiator, isid & 0xffffffffffffL, asker.target(), asker.portalGroup());
        } catch (NumberFormatException e) {
            throw ScsiError.invalidParameter(24);
        }
    }
}
