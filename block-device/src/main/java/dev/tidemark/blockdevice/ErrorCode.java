package dev.tidemark.blockdevice;

/** Why a request failed; every protocol maps these in one table of its own. */
public enum ErrorCode {
    /** The range does not lie inside the device (reads, trims). */
    OUT_OF_RANGE,
    /**
     * The range does not lie inside the device (writes and zeroes): protocols call this no space.
     */
    BEYOND_END,
    /** A length, alignment or flag the device does not accept. */
    INVALID,
    /** The device or view is read-only. */
    READ_ONLY,
    /** No room is left, in the journal pool or on the file system, and none can be made. */
    NO_SPACE,
    /** The storage below failed, or a checksum did not match. */
    IO,
    /** The disk has stopped for good after a failed force; see the gateway's log. */
    DEVICE_FAILED,
    /** The handle is closed or the gateway is stopping. */
    SHUTDOWN
}
