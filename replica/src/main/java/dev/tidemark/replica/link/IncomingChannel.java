package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;

/** A channel that the peer wants to open. The first answer counts; from any thread. */
public interface IncomingChannel {
    /**
     * Takes it.
     *
     * @param initialCredit raw bytes of DATA that the peer may send at once, 0 or more
     * @param body of OPENED
     */
    InboundChannel accept(long initialCredit, ByteBuf body, InboundHandler handler);

    /**
     * Declines it.
     *
     * @param code 1 to 65535, see {@link LinkException} for the common ones
     * @param text what is wrong and what to do
     */
    void refuse(int code, String text);
}
