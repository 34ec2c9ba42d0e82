package dev.tidemark.iscsi;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.Arrays;

/** Bytes of initiators for {@link FuzzTarget}: PDUs, logins, and commands from a short form. */
final class FuzzWire {
    /** A command in short form: what it is, its announced length, its data's length, its CDB. */
    static final int COMMAND_BYTES = 20;

    /** Bytes of PDUs that are made of one input; more commands are not sent. */
    static final int MAXIMUM_MADE_BYTES = 256 << 10;

    private static final int READ = 0x40;
    private static final int WRITE = 0x20;

    private FuzzWire() {}

    static byte[] pdu(Header header, byte... data) {
        header.dataBytes(data.length);
        byte[] padded = Arrays.copyOf(data, (data.length + 3) / 4 * 4);
        return join(header.bytes().clone(), padded);
    }

    static byte[] join(byte[]... parts) {
        ByteBuf whole = Unpooled.buffer();
        for (byte[] part : parts) {
            whole.writeBytes(part);
        }
        return ByteBufUtil.getBytes(whole);
    }

    /** Into full feature phase of the open target, and past what both units have to tell. */
    static byte[] login(String... keys) {
        String[] names = RawInitiator.names(FuzzTarget.OPEN);
        String[] all = Arrays.copyOf(names, names.length + keys.length + 1);
        System.arraycopy(keys, 0, all, names.length, keys.length);
        all[all.length - 1] = "InitialR2T=No";
        return pdu(RawInitiator.login(true, 1, 3), RawInitiator.text(all));
    }

    static Header command(int number, int flags, int lun, int expectedBytes, byte[] cdb) {
        Header header =
                Header.of(Opcode.SCSI_COMMAND, flags)
                        .setLong(8, (long) lun << 48)
                        .setInt(16, number)
                        .setInt(20, expectedBytes)
                        .setInt(24, number);
        System.arraycopy(cdb, 0, header.bytes(), 32, 16);
        return header;
    }

    /**
     * PDUs of commands in short form: a byte of direction (0x40, 0x20), task attribute (0x07) and
     * unit (0x08); a byte of data length; two bytes of announced length; 16 bytes of CDB; the data,
     * which is repeated up to the announced length. Numbers and tags are those that are due.
     */
    static byte[] commands(byte[] input) {
        ByteBuf wire = Unpooled.buffer();
        ByteBuf from = Unpooled.wrappedBuffer(input);
        int number = 1;
        for (int lun = 0; lun < 2; lun++) {
            wire.writeBytes(pdu(command(number++, Header.FINAL, lun, 0, new byte[16])));
        }
        while (from.readableBytes() >= COMMAND_BYTES
                && wire.readableBytes() < MAXIMUM_MADE_BYTES - 2 * FuzzTarget.SEGMENT_BYTES) {
            int what = from.readUnsignedByte();
            int dataBytes = from.readUnsignedByte();
            int announcedBytes = from.readUnsignedShort();
            byte[] cdb = new byte[16];
            from.readBytes(cdb);
            byte[] data = new byte[Math.min(dataBytes, from.readableBytes())];
            from.readBytes(data);
            int flags = Header.FINAL | (what & (READ | WRITE | 7));
            Header header = command(number++, flags, what >> 3 & 1, announcedBytes, cdb);
            boolean writes = (what & WRITE) != 0;
            wire.writeBytes(pdu(header, writes ? repeated(data, announcedBytes) : new byte[0]));
        }
        return ByteBufUtil.getBytes(wire);
    }

    private static byte[] repeated(byte[] data, int announcedBytes) {
        byte[] bytes = new byte[Math.min(announcedBytes, FuzzTarget.SEGMENT_BYTES)];
        for (int i = 0; i < bytes.length && data.length > 0; i++) {
            bytes[i] = data[i % data.length];
        }
        return bytes;
    }

    /** A command in short form. */
    static byte[] shortForm(int what, int announcedBytes, byte[] cdb, byte... data) {
        ByteBuf bytes = Unpooled.buffer();
        bytes.writeByte(what).writeByte(data.length).writeShort(announcedBytes);
        bytes.writeBytes(cdb).writeBytes(data);
        return ByteBufUtil.getBytes(bytes);
    }
}
