package dev.tidemark.iscsi.scsi;

import dev.tidemark.blockdevice.BlockDeviceException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A command that does not end with GOOD: its status, and for CHECK CONDITION its sense (SPC-4
 * section 4.5). Carries no stack trace, since it is an answer and not a fault of the program.
 */
public final class ScsiError extends Exception {
    private static final long serialVersionUID = 1;

    private static final int FIXED_BYTES = 18;
    private static final int NONE = -1;

    private final int status;
    private final int key;
    private final int code;
    private final @Nullable Long information;
    private final int fieldByte;
    private final boolean fieldInCdb;

    private ScsiError(
            int status,
            int key,
            int code,
            @Nullable Long information,
            int fieldByte,
            boolean fieldInCdb) {
        super("status %02x sense %x/%04x".formatted(status, key, code), null, false, false);
        this.status = status;
        this.key = key;
        this.code = code;
        this.information = information;
        this.fieldByte = fieldByte;
        this.fieldInCdb = fieldInCdb;
    }

    /**
     * A CHECK CONDITION.
     *
     * @param code additional sense code and qualifier, as 0xCCQQ
     */
    public static ScsiError check(int key, int code) {
        return new ScsiError(ScsiStatus.CHECK_CONDITION, key, code, null, NONE, false);
    }

    /** A status without sense. */
    public static ScsiError status(int status) {
        return new ScsiError(status, 0, 0, null, NONE, false);
    }

    /** A target that could not take the command's data. */
    public static ScsiError aborted(int code) {
        return check(SenseKey.ABORTED_COMMAND, code);
    }

    static ScsiError conflict() {
        return status(ScsiStatus.RESERVATION_CONFLICT);
    }

    static ScsiError invalidOperation() {
        return illegal(0x2000);
    }

    static ScsiError illegal(int code) {
        return check(SenseKey.ILLEGAL_REQUEST, code);
    }

    /** INVALID FIELD IN CDB, pointing at a byte. */
    static ScsiError invalidField(int cdbByte) {
        return new ScsiError(
                ScsiStatus.CHECK_CONDITION, SenseKey.ILLEGAL_REQUEST, 0x2400, null, cdbByte, true);
    }

    /** INVALID FIELD IN PARAMETER LIST, pointing at a byte. */
    static ScsiError invalidParameter(int listByte) {
        return new ScsiError(
                ScsiStatus.CHECK_CONDITION,
                SenseKey.ILLEGAL_REQUEST,
                0x2600,
                null,
                listByte,
                false);
    }

    static ScsiError parameterListLength() {
        return illegal(0x1a00);
    }

    static ScsiError outOfRange() {
        return illegal(0x2100);
    }

    /** The first byte that differs, counted from the first byte compared. */
    static ScsiError miscompare(long offsetBytes) {
        return new ScsiError(
                ScsiStatus.CHECK_CONDITION, SenseKey.MISCOMPARE, 0x1d00, offsetBytes, NONE, false);
    }

    /** The one table of what a device's failures are called here. */
    static ScsiError of(BlockDeviceException failure, boolean reading) {
        return switch (failure.code()) {
            case OUT_OF_RANGE, BEYOND_END -> outOfRange();
            case INVALID -> illegal(0x2400);
            case READ_ONLY -> check(SenseKey.DATA_PROTECT, 0x2700);
            // SPACE ALLOCATION FAILED WRITE PROTECT: hosts that know thin disks stop and wait.
            case NO_SPACE -> check(SenseKey.DATA_PROTECT, 0x2707);
            case IO -> check(SenseKey.MEDIUM_ERROR, reading ? 0x1100 : 0x0c00);
            case DEVICE_FAILED -> check(SenseKey.HARDWARE_ERROR, 0x4400);
            case SHUTDOWN -> check(SenseKey.NOT_READY, 0x0400);
        };
    }

    public int status() {
        return status;
    }

    /** Whether {@link #sense} is to be sent. */
    public boolean hasSense() {
        return status == ScsiStatus.CHECK_CONDITION;
    }

    /** The sense data in descriptor (SPC-4 section 4.5.2) or fixed form (4.5.3). */
    public byte[] sense(boolean descriptors) {
        return descriptors ? descriptorSense() : fixedSense();
    }

    private byte[] fixedSense() {
        ByteBuffer sense = ByteBuffer.allocate(FIXED_BYTES);
        Long info = information;
        boolean fits = info != null && info >>> 32 == 0;
        sense.put(0, (byte) (fits ? 0xf0 : 0x70));
        sense.put(2, (byte) key);
        if (info != null && fits) {
            sense.putInt(3, info.intValue());
        }
        sense.put(7, (byte) (FIXED_BYTES - 8));
        sense.putShort(12, (short) code);
        if (fieldByte != NONE) {
            sense.put(15, fieldFlags()).putShort(16, (short) fieldByte);
        }
        return sense.array();
    }

    private byte[] descriptorSense() {
        int informationBytes = information == null ? 0 : 12;
        int fieldBytes = fieldByte == NONE ? 0 : 8;
        ByteBuffer sense = ByteBuffer.allocate(8 + informationBytes + fieldBytes);
        sense.put((byte) 0x72).put((byte) key).putShort((short) code);
        sense.put(7, (byte) (informationBytes + fieldBytes));
        sense.position(8);
        Long info = information;
        if (info != null) {
            sense.put((byte) 0).put((byte) 0x0a).put((byte) 0x80).put((byte) 0).putLong(info);
        }
        if (fieldByte != NONE) {
            sense.put((byte) 2).put((byte) 6).putShort((short) 0);
            sense.put(fieldFlags()).putShort((short) fieldByte).put((byte) 0);
        }
        return sense.array();
    }

    /** SKSV, and C/D for a field of the CDB (SPC-4 section 4.5.2.4.2). */
    private byte fieldFlags() {
        return (byte) (fieldInCdb ? 0xc0 : 0x80);
    }
}
