package dev.tidemark.nbd;

import org.jspecify.annotations.Nullable;

/** A request's type (proto.md "Request types"). */
public enum NbdCommand {
    READ(0, CommandFlags.DF),
    WRITE(1, CommandFlags.PAYLOAD_LEN),
    DISCONNECT(2, 0),
    FLUSH(3, 0),
    TRIM(4, 0),
    CACHE(5, 0),
    WRITE_ZEROES(6, CommandFlags.NO_HOLE | CommandFlags.FAST_ZERO),
    BLOCK_STATUS(7, CommandFlags.REQ_ONE | CommandFlags.PAYLOAD_LEN);

    /** Codes are dense and in order. */
    private static final NbdCommand[] BY_CODE = values();

    private final int code;
    private final int flags;

    NbdCommand(int code, int flags) {
        this.code = code;
        // FUA is valid for all commands once it is advertised (proto.md "Command flags").
        this.flags = flags | CommandFlags.FUA;
    }

    /** The type as it is on the wire. */
    public int code() {
        return code;
    }

    /**
     * The command flags a client may set on this command, some of them only after it has agreed on
     * another form of reply: {@link RequestRules}.
     */
    int flags() {
        return flags;
    }

    /** The command of a type field, or null when there is none. */
    static @Nullable NbdCommand of(int code) {
        return code < BY_CODE.length ? BY_CODE[code] : null;
    }
}
