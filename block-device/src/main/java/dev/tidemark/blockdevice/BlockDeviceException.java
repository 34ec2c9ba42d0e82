package dev.tidemark.blockdevice;

import org.jspecify.annotations.Nullable;

/**
 * A failed request. The message says what, value and limit; the cause, where there is one, is the
 * storage's own.
 */
public final class BlockDeviceException extends Exception {
    private static final long serialVersionUID = 1;
    private final ErrorCode code;

    public BlockDeviceException(ErrorCode code, String message) {
        this(code, message, null);
    }

    public BlockDeviceException(ErrorCode code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public ErrorCode code() {
        return code;
    }
}
