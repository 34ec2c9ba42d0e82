package dev.tidemark.nbd;

/**
 * A metadata context that an export has.
 *
 * @param name namespace, colon, leaf; at most {@value Handshake#MAXIMUM_NAME_BYTES} bytes of UTF-8
 * @param wide whether its numbers may need more than 32 bits. Such a context is shown and given to
 *     clients with extended headers only (proto.md "NBD_REPLY_TYPE_BLOCK_STATUS_EXT").
 */
public record ContextDescription(String name, boolean wide) {}
