package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;

/**
 * Writes replies of one form. Replies are gathered until {@link #flush}. Belongs to an event loop.
 *
 * <p>Everything that a richer form can say is among the arguments; a form leaves out what it
 * cannot.
 */
interface ReplyWriter {
    /** A request without data has succeeded. */
    void succeeded(long cookie);

    /** A read has succeeded. Takes {@code data} over. */
    void data(long cookie, long offsetBytes, ByteBuf data);

    /** A request has failed. */
    void failed(NbdCommand command, long cookie, NbdError error, String text);

    /** Hands everything gathered to the socket. */
    void flush();

    /** Drops everything gathered; the connection is gone. */
    void discard();
}
