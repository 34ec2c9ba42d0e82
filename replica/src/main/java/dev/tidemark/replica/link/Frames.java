package dev.tidemark.replica.link;

/** Limits and numbers of the protocol. */
public final class Frames {
    /** Raw bytes of a DATA body at most. */
    public static final int MAXIMUM_RAW_BYTES = 33 << 20;

    /** Bytes of the body of a frame other than DATA and MESSAGE. */
    public static final int MAXIMUM_CONTROL_BODY_BYTES = 64 << 10;

    /** Bytes of a message. */
    public static final int MAXIMUM_MESSAGE_BYTES = 1 << 20;

    private Frames() {}
}
