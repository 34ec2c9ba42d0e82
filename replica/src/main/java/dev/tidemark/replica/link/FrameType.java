package dev.tidemark.replica.link;

import org.jspecify.annotations.Nullable;

/** Types of frames, with the largest body of each. */
enum FrameType {
    HELLO(1),
    WELCOME(2),
    REFUSE(3),
    HEARTBEAT(4),
    HEARTBEAT_ANSWER(5),
    REQUEST(6),
    RESPONSE(7),
    OPEN(8),
    OPENED(9),
    DATA(10, Frames.MAXIMUM_BODY_BYTES),
    ACK(11),
    MESSAGE(12, Frames.MAXIMUM_MESSAGE_BYTES + 2),
    CLOSE(13),
    PAIR(32),
    PAIRED(33);

    private static final @Nullable FrameType[] BY_CODE = new FrameType[64];

    static {
        for (FrameType type : values()) {
            BY_CODE[type.code] = type;
        }
    }

    private final int code;
    private final int maximumBodyBytes;

    FrameType(int code) {
        this(code, Frames.MAXIMUM_CONTROL_BODY_BYTES);
    }

    FrameType(int code, int maximumBodyBytes) {
        this.code = code;
        this.maximumBodyBytes = maximumBodyBytes;
    }

    int code() {
        return code;
    }

    int maximumBodyBytes() {
        return maximumBodyBytes;
    }

    static @Nullable FrameType of(int code) {
        return code < BY_CODE.length ? BY_CODE[code] : null;
    }
}
