package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;

/** The receiving end of a channel. From any thread; after its end all methods do nothing. */
public interface InboundChannel {
    /**
     * Tells the sender what was taken, with whatever {@code body} says in the channel's own terms.
     * Of several that wait for the wire only the last is sent.
     */
    void acknowledge(ByteBuf body);

    /**
     * Lets the sender send {@code bytes} more of DATA. Grant {@link Frames#credit} of each that was
     * received once there is room for as much again; what is granted may all arrive at any moment.
     */
    void grant(long bytes);

    /** Sends a message of at most {@link Frames#MAXIMUM_MESSAGE_BYTES}, not counted as credit. */
    void message(int kind, ByteBuf body);

    /** Ends the channel; the handler here is not told. */
    void close(int code, String reason);
}
