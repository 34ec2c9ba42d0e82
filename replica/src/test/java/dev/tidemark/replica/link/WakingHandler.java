package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** Lets a thread send on a channel, waiting for room. */
final class WakingHandler implements OutboundHandler {
    private final Semaphore ready = new Semaphore(0);
    private volatile @Nullable String closed;

    /**
     * Blocking.
     *
     * @throws IllegalStateException when the channel has ended
     */
    void send(OutboundChannel channel, int kind, ByteBuf body) throws InterruptedException {
        while (channel.credit() <= 0) {
            if (closed != null) {
                throw new IllegalStateException("the channel has ended: " + closed);
            }
            ready.acquire();
        }
        channel.send(kind, body);
    }

    @Override
    public void ready() {
        ready.release();
    }

    @Override
    public void acknowledged(ByteBuf body) {}

    @Override
    public void message(int kind, ByteBuf body) {}

    @Override
    public void closed(int code, String reason) {
        closed = reason;
        ready.release();
    }
}
