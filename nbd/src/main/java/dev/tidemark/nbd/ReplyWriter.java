package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;

/**
 * Writes replies of one form. Replies are gathered until {@link #flush}. Belongs to an event loop.
 *
 * <p>Everything that a richer form can say is among the arguments; a form leaves out what it
 * cannot. {@code requestOffset} is the offset of the request, as it was on the wire.
 */
interface ReplyWriter {
    /** A request without data has succeeded. */
    void succeeded(long cookie, long requestOffset);

    /** A read has succeeded as a whole. Takes {@code data} over. */
    void data(long cookie, long requestOffset, ByteBuf data);

    /** A request has failed; the text is for people. */
    void failed(long cookie, long requestOffset, NbdError error, String text);

    /** Hands everything gathered to the socket. */
    void flush();

    /** Drops everything gathered; the connection is gone. */
    void discard();
}
