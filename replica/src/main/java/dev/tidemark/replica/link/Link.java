package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/**
 * One to eight streams to a peer, from the moment it is up until it is down; see the package for
 * threads and ownership.
 */
public interface Link {
    /** The peer's site id, as its certificate proves it. */
    UUID peer();

    /** The peer's name, as it calls itself. */
    String peerName();

    /** The peer's program version, as it says. */
    String peerVersion();

    /**
     * Asks the peer.
     *
     * @param method at most 65535
     * @param body at most {@link Frames#MAXIMUM_CONTROL_BODY_BYTES} with its header
     * @return the answer's body; fails with a {@link LinkException}: REFUSED with the peer's code,
     *     TIMED_OUT, TOO_MANY, or DOWN
     */
    CompletableFuture<ByteBuf> request(int method, ByteBuf body);

    /**
     * Opens a channel for DATA to the peer. The handler is told of nothing before the future is
     * completed, and of nothing at all when it fails.
     *
     * @param purpose at most 65535
     * @return fails with a {@link LinkException}: REFUSED with the peer's code, TIMED_OUT,
     *     TOO_MANY, or DOWN
     */
    CompletableFuture<OutboundChannel> open(int purpose, ByteBuf body, OutboundHandler handler);

    /** What it measures; the numbers of one call may be a moment apart. */
    LinkStatus status();

    /** Limits what DATA puts on the wire; 0 for no limit. Counts at once. */
    void limit(long bytesPerSecond);

    /** Ends the link; the reason is logged and told to users at both sides. Idempotent. */
    void close(String reason);
}
