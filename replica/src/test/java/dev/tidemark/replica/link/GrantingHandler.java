package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import java.util.function.Consumer;

/** Takes what comes to a site, and grants as much again at once. */
final class GrantingHandler implements InboundHandler {
    private final TestSite site;
    private final Consumer<ByteBuf> taker;

    /**
     * @param taker is lent each body, on the link's executor
     */
    GrantingHandler(TestSite site, Consumer<ByteBuf> taker) {
        this.site = site;
        this.taker = taker;
    }

    @Override
    public void received(int kind, ByteBuf body) {
        InboundChannel channel = site.inbound;
        if (channel != null) {
            channel.grant(Frames.credit(body.readableBytes()));
        }
        taker.accept(body);
    }

    @Override
    public void message(int kind, ByteBuf body) {}

    @Override
    public void closed(int code, String reason) {}
}
