package dev.tidemark.iscsi.scsi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** INQUIRY (SPC-4 section 6.6). */
final class InquiryCommands {
    private static final int STANDARD_BYTES = 96;
    private static final String VENDOR = "TIDEMARK";
    private static final String REVISION = "0001";

    private InquiryCommands() {}

    static Prepared inquiry(UnitHandle unit, Cdb cdb) throws ScsiError {
        int page = cdb.at(2);
        if (cdb.bit(1, 0x01)) {
            return Prepared.answer(VitalProductData.page(unit, page), cdb.shortAt(3));
        }
        if (page != 0) {
            throw ScsiError.invalidField(2);
        }
        return Prepared.answer(standard(unit), cdb.shortAt(3));
    }

    private static byte[] standard(UnitHandle unit) {
        ByteBuffer data = ByteBuffer.allocate(STANDARD_BYTES);
        data.put((byte) 0).put((byte) (unit.description().removable() ? 0x80 : 0));
        data.put((byte) 0x06).put((byte) 0x12); // SPC-4; HISUP and format 2
        data.put((byte) (STANDARD_BYTES - 5)).put((byte) 0x18).put((byte) 0); // TPGS 01, 3PC
        data.put((byte) 0x02); // CMDQUE
        data.put(padded(VENDOR, 8)).put(padded(unit.description().product(), 16));
        data.put(padded(REVISION, 4));
        // SAM-5, iSCSI, SPC-4, SBC-3 (SPC-4 table 153)
        data.position(58);
        for (int version : new int[] {0x00a0, 0x0960, 0x0460, 0x04c0}) {
            data.putShort((short) version);
        }
        return data.array();
    }

    /** What stands where no unit is (SPC-4 table 142): qualifier 3, type 1Fh. */
    static byte[] nothingHere() {
        ByteBuffer data = ByteBuffer.allocate(STANDARD_BYTES);
        data.put((byte) 0x7f).put((byte) 0).put((byte) 0x06).put((byte) 0x12);
        data.put((byte) (STANDARD_BYTES - 5));
        data.position(8);
        data.put(padded(VENDOR, 8)).put(padded("", 16)).put(padded(REVISION, 4));
        return data.array();
    }

    static byte[] padded(String text, int lengthBytes) {
        byte[] result = " ".repeat(lengthBytes).getBytes(StandardCharsets.US_ASCII);
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, result, 0, Math.min(bytes.length, lengthBytes));
        return result;
    }
}
