package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;

/** The sending end of a channel. From any thread; after its end all methods do nothing. */
public interface OutboundChannel {
    /** The body with which the peer opened it: a read-only view, unpooled. */
    ByteBuf openedBody();

    /**
     * Raw bytes that may be sent now: what the peer has granted and the link has room for. Not
     * positive: wait for {@link OutboundHandler#ready}.
     */
    long credit();

    /** What DATA waits for. */
    enum Wait {
        /** The peer has taken all that was sent. */
        NOTHING,
        /** Its turn to be compressed. */
        COMPRESSION,
        /** A stream with room, a limit, or its way through the network. */
        WIRE,
        /** The peer, which has not granted more. */
        CREDIT
    }

    /** What the DATA that was sent, and is to be sent, waits for. */
    Wait waitsFor();

    /**
     * Sends the next DATA. A body larger than {@link #credit} is taken as long as that is positive,
     * and waits in the link until it may go.
     *
     * @param body at most {@link Frames#MAXIMUM_RAW_BYTES}
     * @throws IllegalStateException when {@link #credit} is not positive
     */
    void send(int kind, ByteBuf body);

    /** Sends a message of at most {@link Frames#MAXIMUM_MESSAGE_BYTES}, not counted as credit. */
    void message(int kind, ByteBuf body);

    /** Limits this channel, besides the link's own limit; 0 for no limit. Counts at once. */
    void limit(long bytesPerSecond);

    /** Ends the channel; what waits in it is dropped, and the handler here is not told. */
    void close(int code, String reason);
}
