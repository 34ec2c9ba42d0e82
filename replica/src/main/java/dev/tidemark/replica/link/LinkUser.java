package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletableFuture;

/**
 * Whoever uses a site's links: answers requests and takes channels. Called on each link's own
 * serial executor, so for different links at the same time; must not block. Bodies are lent for the
 * call.
 */
public interface LinkUser {
    /** The first call about a link. */
    void up(Link link);

    /** The last call about a link; its channels were told before. */
    void down(Link link, String reason);

    /**
     * The peer asks.
     *
     * @return the answer's body, which becomes the link's. A {@link LinkException} is told to the
     *     peer with its code and message; any other failure only as an internal error. Completing
     *     it later than the peer waits is harmless
     */
    CompletableFuture<ByteBuf> requested(Link link, int method, ByteBuf body);

    /**
     * The peer opens a channel: answer, now or later, with {@link IncomingChannel#accept} or {@link
     * IncomingChannel#refuse}.
     */
    void opened(Link link, IncomingChannel channel, int purpose, ByteBuf body);
}
