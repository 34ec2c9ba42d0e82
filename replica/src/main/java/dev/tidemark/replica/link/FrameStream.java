package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;

/** One connection of a link, as the link sees it. Called on the link's executor; never blocks. */
interface FrameStream {
    /** Sends a frame, which becomes the stream's; dropped when the stream has ended. */
    void send(ByteBuf frame);

    /** Whether it takes more DATA; a change to true is told to the link. */
    boolean isWritable();

    void close();
}
