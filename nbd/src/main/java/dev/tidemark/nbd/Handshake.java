package dev.tidemark.nbd;

/** Numbers of the handshake phase (proto.md "Newstyle negotiation", "Values"). */
final class Handshake {
    /** "NBDMAGIC". */
    static final long MAGIC = 0x4e42444d41474943L;

    /** "IHAVEOPT", in the server's greeting and before every option. */
    static final long OPTION_MAGIC = 0x49484156454F5054L;

    static final long REPLY_MAGIC = 0x3e889045565a9L;

    static final int FLAG_FIXED_NEWSTYLE = 1;
    static final int FLAG_NO_ZEROES = 1 << 1;
    static final int KNOWN_FLAGS = FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES;

    static final int OPTION_EXPORT_NAME = 1;
    static final int OPTION_ABORT = 2;
    static final int OPTION_LIST = 3;
    static final int OPTION_STARTTLS = 5;
    static final int OPTION_INFO = 6;
    static final int OPTION_GO = 7;
    static final int OPTION_STRUCTURED_REPLY = 8;
    static final int OPTION_LIST_META_CONTEXT = 9;
    static final int OPTION_SET_META_CONTEXT = 10;
    static final int OPTION_EXTENDED_HEADERS = 11;

    static final int REPLY_ACK = 1;
    static final int REPLY_SERVER = 2;
    static final int REPLY_INFO = 3;
    static final int REPLY_META_CONTEXT = 4;
    static final int ERROR_UNSUPPORTED = 0x80000001;
    static final int ERROR_POLICY = 0x80000002;
    static final int ERROR_INVALID = 0x80000003;
    static final int ERROR_TLS_REQUIRED = 0x80000005;
    static final int ERROR_UNKNOWN = 0x80000006;
    static final int ERROR_SHUTDOWN = 0x80000007;
    static final int ERROR_BLOCK_SIZE_REQUIRED = 0x80000008;
    static final int ERROR_TOO_BIG = 0x80000009;
    static final int ERROR_EXTENDED_HEADERS_REQUIRED = 0x8000000a;

    static final int INFO_EXPORT = 0;
    static final int INFO_NAME = 1;
    static final int INFO_DESCRIPTION = 2;
    static final int INFO_BLOCK_SIZE = 3;

    /** Longest string of the protocol (proto.md "Terms and conventions": string). */
    static final int MAXIMUM_NAME_BYTES = 4096;

    /** Longest option that is kept: a name, and far more requests or queries than exist. */
    static final int MAXIMUM_OPTION_BYTES = 16 << 10;

    /**
     * Longest option that is read past; more is taken for an attack (proto.md "Newstyle
     * negotiation").
     */
    static final int MAXIMUM_SKIPPED_OPTION_BYTES = 8 << 20;

    /** Magic, option, length. */
    static final int OPTION_HEADER_BYTES = 16;

    /** What follows the flags in the answer to EXPORT_NAME, unless the client wants no zeroes. */
    static final int EXPORT_NAME_ZEROES_BYTES = 124;

    private Handshake() {}
}
