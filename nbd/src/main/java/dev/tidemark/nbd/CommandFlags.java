package dev.tidemark.nbd;

/** Command flags (proto.md "Command flags"). */
final class CommandFlags {
    static final int FUA = 1;
    static final int NO_HOLE = 1 << 1;
    static final int DF = 1 << 2;
    static final int REQ_ONE = 1 << 3;
    static final int FAST_ZERO = 1 << 4;
    static final int PAYLOAD_LEN = 1 << 5;

    private CommandFlags() {}
}
