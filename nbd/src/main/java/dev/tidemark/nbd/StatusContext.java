package dev.tidemark.nbd;

import dev.tidemark.blockdevice.StatusSource;

/** A metadata context of an export, held open for one connection (proto.md "Metadata querying"). */
public interface StatusContext extends StatusSource {

    /**
     * Whether numbers may need more than 32 bits. Such a context can be served to clients with
     * extended headers only (proto.md "NBD_REPLY_TYPE_BLOCK_STATUS_EXT").
     */
    boolean wide();

    /**
     * Gives the context back. Called exactly once, on an event loop, after its last question has
     * ended; must not block.
     */
    void close();
}
