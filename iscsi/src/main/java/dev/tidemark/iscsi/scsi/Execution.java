package dev.tidemark.iscsi.scsi;

import io.netty.buffer.ByteBuf;
import java.util.function.BooleanSupplier;

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

    /**
     * The command goes on when it is aborted (as SANITIZE does), and needs neither its data nor its
     * end then. Called before anything was begun.
     *
     * @param letGo called at most once, on the session's event loop; true when the execution's end
     *     will not be told any more
     */
    default void outlivesAbort(BooleanSupplier letGo) {
        // then whoever aborts it waits for its end
    }
}
