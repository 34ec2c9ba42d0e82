package dev.tidemark.nbd;

import dev.tidemark.blockdevice.ErrorCode;

/** An error value of the transmission phase (proto.md "Error values"), and the one errno table. */
public enum NbdError {
    OK(0),
    EPERM(1),
    EIO(5),
    ENOMEM(12),
    EINVAL(22),
    ENOSPC(28),
    EOVERFLOW(75),
    ENOTSUP(95),
    ESHUTDOWN(108);

    private final int value;

    NbdError(int value) {
        this.value = value;
    }

    /** The value on the wire. */
    public int value() {
        return value;
    }

    /** What a device's failure is called here; a range past the end depends on the command. */
    static NbdError of(ErrorCode code, NbdCommand command) {
        return switch (code) {
            case OUT_OF_RANGE, BEYOND_END -> outOfRange(command);
            case INVALID -> EINVAL;
            case READ_ONLY -> EPERM;
            case NO_SPACE -> ENOSPC;
            case IO, DEVICE_FAILED -> EIO;
            case SHUTDOWN -> ESHUTDOWN;
        };
    }

    /** Writes past the end have no space there; reads and trims are simply wrong. */
    static NbdError outOfRange(NbdCommand command) {
        return command == NbdCommand.WRITE || command == NbdCommand.WRITE_ZEROES ? ENOSPC : EINVAL;
    }
}
