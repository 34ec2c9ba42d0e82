package dev.tidemark.iscsi.scsi;

import io.netty.buffer.ByteBufUtil;
import java.nio.ByteBuffer;

/** MODE SENSE and MODE SELECT, of six and ten bytes (SPC-4 sections 6.11 to 6.14). */
final class ModeCommands {
    private static final int WRITE_PROTECTED = 0x80;
    private static final int DPO_AND_FUA = 0x10;
    private static final int MAXIMUM_LIST_BYTES = 1024;

    private ModeCommands() {}

    static Prepared sense6(UnitHandle unit, Cdb cdb) throws ScsiError {
        byte[] block = cdb.bit(1, 0x08) ? new byte[0] : shortBlock(unit);
        byte[] pages = pages(unit, cdb);
        ByteBuffer data = ByteBuffer.allocate(4 + block.length + pages.length);
        data.put((byte) (data.capacity() - 1)).put((byte) 0);
        data.put(specific(unit)).put((byte) block.length).put(block).put(pages);
        return Prepared.answer(data.array(), cdb.at(4));
    }

    static Prepared sense10(UnitHandle unit, Cdb cdb) throws ScsiError {
        boolean longBlocks = cdb.bit(1, 0x10);
        byte[] block =
                cdb.bit(1, 0x08) ? new byte[0] : longBlocks ? longBlock(unit) : shortBlock(unit);
        byte[] pages = pages(unit, cdb);
        ByteBuffer data = ByteBuffer.allocate(8 + block.length + pages.length);
        data.putShort((short) (data.capacity() - 2)).put((byte) 0).put(specific(unit));
        data.put((byte) (longBlocks ? 1 : 0)).put((byte) 0);
        data.putShort((short) block.length).put(block).put(pages);
        return Prepared.answer(data.array(), cdb.shortAt(7));
    }

    private static byte specific(UnitHandle unit) {
        return (byte) (DPO_AND_FUA | (unit.writeProtected() ? WRITE_PROTECTED : 0));
    }

    private static byte[] pages(UnitHandle unit, Cdb cdb) throws ScsiError {
        int control = cdb.at(2) >> 6;
        int page = cdb.at(2) & 0x3f;
        int subpage = cdb.at(3);
        if (control == 3) {
            throw ScsiError.illegal(0x3900); // SAVING PARAMETERS NOT SUPPORTED
        }
        byte[] pages = unit.unit().modes(modes -> modes.read(page, subpage, control));
        if (pages.length == 0) {
            throw ScsiError.invalidField(2);
        }
        return pages;
    }

    /** SBC-3 section 6.4.2.2. */
    private static byte[] shortBlock(UnitHandle unit) {
        long blocks = Math.min(unit.blockCount(), 0xffffffffL);
        return ByteBuffer.allocate(8).putInt((int) blocks).putInt(unit.blockBytes()).array();
    }

    private static byte[] longBlock(UnitHandle unit) {
        return ByteBuffer.allocate(16)
                .putLong(unit.blockCount())
                .putInt(0)
                .putInt(unit.blockBytes())
                .array();
    }

    static Prepared select6(UnitHandle unit, Cdb cdb) throws ScsiError {
        return select(unit, cdb, cdb.at(4), 4);
    }

    static Prepared select10(UnitHandle unit, Cdb cdb) throws ScsiError {
        return select(unit, cdb, cdb.shortAt(7), 8);
    }

    private static Prepared select(UnitHandle unit, Cdb cdb, int listBytes, int headerBytes)
            throws ScsiError {
        if (!cdb.bit(1, 0x10) || cdb.bit(1, 0x01)) {
            throw ScsiError.invalidField(1); // PF is needed, nothing can be saved
        }
        if (listBytes > MAXIMUM_LIST_BYTES) {
            throw ScsiError.parameterListLength();
        }
        return Prepared.writing(
                listBytes,
                execution -> {
                    if (listBytes > 0) {
                        byte[] list = ByteBufUtil.getBytes(execution.dataOut());
                        apply(unit, list, listBytes, headerBytes);
                    }
                    execution.good();
                });
    }

    private static void apply(UnitHandle unit, byte[] list, int listBytes, int headerBytes)
            throws ScsiError {
        if (list.length < listBytes || list.length < headerBytes) {
            throw ScsiError.parameterListLength();
        }
        int blockBytes =
                headerBytes == 4 ? list[3] & 0xff : (list[6] & 0xff) << 8 | (list[7] & 0xff);
        if (headerBytes + blockBytes > list.length) {
            throw ScsiError.parameterListLength();
        }
        checkBlock(unit, list, headerBytes, blockBytes);
        int start = headerBytes + blockBytes;
        if (unit.unit().modes(modes -> modes.write(list, start))) {
            unit.unit().tell(unit, UnitAttention.MODE_CHANGED);
            unit.unit().handles().forEach(UnitHandle::thresholdsChanged);
        }
    }

    /** A block descriptor may only say what holds already. */
    private static void checkBlock(UnitHandle unit, byte[] list, int at, int blockBytes)
            throws ScsiError {
        boolean sound =
                switch (blockBytes) {
                    case 0 -> true;
                    case 8 ->
                            (ByteBuffer.wrap(list).getInt(at + 4) & 0xffffff) == unit.blockBytes();
                    case 16 -> ByteBuffer.wrap(list).getInt(at + 12) == unit.blockBytes();
                    default -> false;
                };
        if (!sound) {
            throw ScsiError.invalidParameter(at);
        }
    }
}
