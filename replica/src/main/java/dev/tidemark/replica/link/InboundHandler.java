package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;

/** What the receiving end of a channel is told. Bodies are lent for the call. */
public interface InboundHandler {
    /** The next DATA, decompressed: in order, none missing, none twice. */
    void received(int kind, ByteBuf body);

    /** A message, in order with other messages, in no order with DATA. */
    void message(int kind, ByteBuf body);

    /**
     * The last call: the peer has closed it ({@code code} is its), or the link is down ({@link
     * LinkException#CODE_LINK_DOWN}).
     */
    void closed(int code, String reason);
}
