package dev.tidemark.iscsi.scsi;

import dev.tidemark.blockdevice.SharedSpace;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * LOG SENSE (SPC-4): which pages there are, and how full the storage behind the unit is (page 0Ch,
 * logical block provisioning, of SBC-3). Nothing is saved or counted, so that all page control
 * values get the same.
 */
final class LogCommands {
    private static final int SUPPORTED = 0x00;
    private static final int PROVISIONING = 0x0c;
    private static final int ALL_SUBPAGES = 0xff;
    private static final int SUBPAGE_FORMAT = 0x40;

    /** FORMAT AND LINKING: a list of binary fields. */
    private static final int BINARY_LIST = 0x03;

    private static final int PARAMETER_BYTES = 12;

    /** SCOPE: the storage is not the unit's alone. */
    private static final int SHARED = 0x02;

    private LogCommands() {}

    static Prepared sense(UnitHandle unit, Cdb cdb) throws ScsiError {
        if (cdb.bit(1, 0x03)) {
            throw ScsiError.invalidField(1); // SP: nothing can be saved; PPC is obsolete
        }
        SharedSpace space = unit.device().sharedSpace();
        byte[] page = page(cdb.at(2) & 0x3f, cdb.at(3), cdb.shortAt(5), space);
        return Prepared.answer(page, cdb.shortAt(7));
    }

    private static byte[] page(
            int page, int subpage, int firstParameter, @Nullable SharedSpace space)
            throws ScsiError {
        if (page == SUPPORTED && (subpage == 0 || subpage == ALL_SUBPAGES)) {
            if (firstParameter != 0) {
                throw ScsiError.invalidField(5);
            }
            return supported(subpage, space != null);
        }
        if (space == null || page != PROVISIONING) {
            throw ScsiError.invalidField(2);
        }
        if (subpage != 0) {
            throw ScsiError.invalidField(3);
        }
        if (firstParameter > Thresholds.USED) {
            throw ScsiError.invalidField(5);
        }
        return provisioning(firstParameter, SpaceCounts.of(space));
    }

    /** 00h: the pages; 00h/FFh: the pages and subpages. */
    private static byte[] supported(int subpage, boolean provisioning) {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        if (subpage == 0) {
            list.write(SUPPORTED);
            if (provisioning) {
                list.write(PROVISIONING);
            }
            return withHeader(SUPPORTED, 0, list.toByteArray());
        }
        list.writeBytes(new byte[] {SUPPORTED, 0, SUPPORTED, (byte) ALL_SUBPAGES});
        if (provisioning) {
            list.writeBytes(new byte[] {PROVISIONING, 0});
        }
        return withHeader(SUPPORTED | SUBPAGE_FORMAT, ALL_SUBPAGES, list.toByteArray());
    }

    private static byte[] provisioning(int first, SpaceCounts counts) {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        if (first <= Thresholds.AVAILABLE) {
            list.writeBytes(parameter(Thresholds.AVAILABLE, counts.available()));
        }
        list.writeBytes(parameter(Thresholds.USED, counts.used()));
        return withHeader(PROVISIONING, 0, list.toByteArray());
    }

    private static byte[] parameter(int code, long count) {
        return ByteBuffer.allocate(PARAMETER_BYTES)
                .putShort((short) code)
                .put((byte) BINARY_LIST)
                .put((byte) (PARAMETER_BYTES - 4))
                .putInt((int) count)
                .put((byte) SHARED)
                .array();
    }

    private static byte[] withHeader(int page, int subpage, byte[] content) {
        return ByteBuffer.allocate(4 + content.length)
                .put((byte) page)
                .put((byte) subpage)
                .putShort((short) content.length)
                .put(content)
                .array();
    }
}
