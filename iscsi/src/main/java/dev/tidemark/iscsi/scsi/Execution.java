package dev.tidemark.iscsi.scsi;

import io.netty.buffer.ByteBuf;

/**
 * A command at work, and its end. Exactly one of {@link #good()}, {@link #good(ByteBuf)} and {@link
 * #failed} is called, exactly once, on any thread.
 */
public interface Execution {
    /** What the initiator sent; the execution's, valid until the end. May be shorter than asked. */
    ByteBuf dataOut();

    /** Bytes the initiator means to send, its expected data transfer length. */
    long expectedOutBytes();

    void good();

    /** Success with data, which becomes the execution's; it cuts it to what is expected. */
    void good(ByteBuf dataIn);

    void failed(ScsiError error);
}
