package dev.tidemark.nbd;

/** How requests are answered, and asked: what a client's options lead to. */
enum ReplyForm {
    /** Compact requests, simple replies (proto.md "Simple reply message"). */
    SIMPLE,

    /** Compact requests, replies in chunks (proto.md "Structured reply chunk message"). */
    STRUCTURED,

    /** 64-bit requests and replies (extension-ext-header, "Extended reply chunk message"). */
    EXTENDED;

    /** Replies are chunks: sparse reads, error texts and block status are possible. */
    boolean chunked() {
        return this != SIMPLE;
    }
}
