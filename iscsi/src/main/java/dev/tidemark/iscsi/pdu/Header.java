package dev.tidemark.iscsi.pdu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The basic header segment of a PDU: 48 bytes, all numbers big-endian (RFC 7143 section 11.2.1).
 *
 * <pre>
 *   0  opcode (6 bits), I (0x40)      20  EDTL, target transfer tag, and others by opcode
 *   1  flags                          24  CmdSN / StatSN
 *   4  TotalAHSLength, in words       28  ExpStatSN / ExpCmdSN
 *   5  DataSegmentLength (3 bytes)    32  MaxCmdSN or the start of the CDB
 *   8  LUN, or by opcode              36  DataSN / R2TSN / ExpDataSN
 *  16  initiator task tag             40  buffer offset,  44  residual count / transfer length
 * </pre>
 *
 * <p>Not thread-safe; owns its bytes.
 */
public final class Header {
    public static final int BYTES = 48;

    /** A tag that names nothing (RFC 7143 section 11.2.1.8). */
    public static final int RESERVED_TAG = 0xffffffff;

    /** The F bit of byte 1; T in login PDUs. */
    public static final int FINAL = 0x80;

    /** The C bit of text and login PDUs. */
    public static final int CONTINUE = 0x40;

    private static final int IMMEDIATE = 0x40;
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private final byte[] bytes = new byte[BYTES];

    /** A header of zeros. */
    public Header() {}

    /** A header to send, with the reserved initiator task tag unless it is set. */
    public static Header of(int opcode, int flags) {
        Header header = new Header();
        header.bytes[0] = (byte) opcode;
        header.bytes[1] = (byte) flags;
        return header;
    }

    /** The bytes themselves, not a copy. */
    public byte[] bytes() {
        return bytes;
    }

    public int opcode() {
        return bytes[0] & 0x3f;
    }

    public boolean immediate() {
        return (bytes[0] & IMMEDIATE) != 0;
    }

    public int flags() {
        return bytes[1] & 0xff;
    }

    public boolean isFinal() {
        return (bytes[1] & FINAL) != 0;
    }

    /** Length of all additional header segments in bytes, 0 to 1020. */
    public int ahsBytes() {
        return (bytes[4] & 0xff) * 4;
    }

    /** Length of the data segment without padding, 0 to 2^24 - 1. */
    public int dataBytes() {
        return (int) INT.get(bytes, 4) & 0xffffff;
    }

    /** Sets the data segment's length and leaves that of the additional headers. */
    public void dataBytes(int length) {
        assert length >= 0 && length < 1 << 24 : "data segment of " + length;
        INT.set(bytes, 4, (bytes[4] & 0xff) << 24 | length);
    }

    public long lun() {
        return (long) LONG.get(bytes, 8);
    }

    public int initiatorTaskTag() {
        return intAt(16);
    }

    public int at(int offset) {
        return bytes[offset] & 0xff;
    }

    public int shortAt(int offset) {
        return (short) SHORT.get(bytes, offset) & 0xffff;
    }

    public int intAt(int offset) {
        return (int) INT.get(bytes, offset);
    }

    public long longAt(int offset) {
        return (long) LONG.get(bytes, offset);
    }

    public Header set(int offset, int value) {
        bytes[offset] = (byte) value;
        return this;
    }

    public Header setShort(int offset, int value) {
        SHORT.set(bytes, offset, (short) value);
        return this;
    }

    public Header setInt(int offset, int value) {
        INT.set(bytes, offset, value);
        return this;
    }

    public Header setLong(int offset, long value) {
        LONG.set(bytes, offset, value);
        return this;
    }
}
