package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;

/** What the sending end of a channel is told. Bodies are lent for the call. */
public interface OutboundHandler {
    /**
     * {@link OutboundChannel#credit} has grown and is positive. Also told once at the beginning.
     */
    void ready();

    /** The newest acknowledgement; earlier ones may have been passed over. */
    void acknowledged(ByteBuf body);

    /** A message, in order with other messages, in no order with acknowledgements. */
    void message(int kind, ByteBuf body);

    /**
     * The last call: the peer has closed it ({@code code} is its), or the link is down ({@link
     * LinkException#CODE_LINK_DOWN}).
     */
    void closed(int code, String reason);
}
