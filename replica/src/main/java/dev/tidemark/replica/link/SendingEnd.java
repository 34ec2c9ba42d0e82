package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The sending end of a channel. Its queue and handler are of the link's executor. */
final class SendingEnd implements OutboundChannel {
    /** DATA that has its number and waits for the wire. */
    record Waiting(long number, int kind, ByteBuf body) {}

    private final LinkCore link;
    private final int channel;
    private final @Nullable OutboundHandler handler;
    private final CompletableFuture<OutboundChannel> opening = new CompletableFuture<>();
    private final Deque<Waiting> queue = new ArrayDeque<>();
    private final AtomicLong takenBytes = new AtomicLong();
    private final TokenBucket limit;
    private volatile long grantedBytes;
    private volatile boolean ended;
    private volatile ByteBuf openedBody = Unpooled.EMPTY_BUFFER;
    private long lastNumber;

    /** Credit that went out, and the last number with them. */
    private final AtomicLong wireBytes = new AtomicLong();

    private volatile long wireNumber;

    /** The peer has taken everything up to it. */
    private volatile long peerNumber;

    private boolean open;

    SendingEnd(LinkCore link, int channel, @Nullable OutboundHandler handler) {
        this.link = link;
        this.channel = channel;
        this.handler = handler;
        this.limit = new TokenBucket(0, link.nanoTime());
    }

    /** Takes what comes for an end that this side has closed. */
    static SendingEnd gone(LinkCore link) {
        SendingEnd gone = new SendingEnd(link, 0, null);
        gone.ended = true;
        return gone;
    }

    CompletableFuture<OutboundChannel> opening() {
        return opening;
    }

    int channel() {
        return channel;
    }

    TokenBucket limit() {
        return limit;
    }

    void opened(ByteBuf body) {
        if (ended || open) {
            return;
        }
        open = true;
        grantedBytes = body.readLongLE();
        openedBody = Unpooled.copiedBuffer(body).asReadOnly();
        opening.complete(this);
        tellIfReady();
    }

    void acknowledged(ByteBuf body) {
        peerNumber = Math.max(peerNumber, body.readLongLE());
        grantedBytes = Math.max(grantedBytes, body.readLongLE());
        if (!ended && handler != null) {
            if (body.isReadable()) {
                handler.acknowledged(body);
            }
            if (mayGo()) {
                link.wantsToSend(this);
            }
            tellIfReady();
        }
    }

    /** There may be room. */
    void tellIfReady() {
        if (!ended && open && handler != null && credit() > 0) {
            handler.ready();
        }
    }

    void told(int kind, ByteBuf body) {
        if (!ended && handler != null) {
            handler.message(kind, body);
        }
    }

    /** The peer has closed it. */
    void closed(int code, String text) {
        if (ended) {
            return;
        }
        drop();
        if (!open) {
            opening.completeExceptionally(
                    new LinkException(LinkException.Kind.REFUSED, code, text));
        } else if (handler != null) {
            handler.closed(code, text);
        }
    }

    void down(String reason) {
        if (ended) {
            return;
        }
        drop();
        if (!open) {
            opening.completeExceptionally(new LinkException(LinkException.Kind.DOWN, reason));
        } else if (handler != null) {
            handler.closed(LinkException.CODE_LINK_DOWN, reason);
        }
    }

    private void drop() {
        ended = true;
        for (Waiting waiting : queue) {
            link.room().give(waiting.body().readableBytes());
            waiting.body().release();
        }
        queue.clear();
    }

    private static long credit(ByteBuf body) {
        return Frames.credit(body.readableBytes());
    }

    /** Whether the next DATA may go: the peer has granted all of it. */
    boolean mayGo() {
        Waiting next = queue.peek();
        return next != null && wireBytes.get() + credit(next.body()) <= grantedBytes;
    }

    Waiting take() {
        Waiting next = queue.remove();
        wireNumber = next.number();
        wireBytes.addAndGet(credit(next.body()));
        return next;
    }

    @Override
    public ByteBuf openedBody() {
        return openedBody;
    }

    @Override
    public long credit() {
        return ended ? 0 : Math.min(grantedBytes - takenBytes.get(), link.room().left());
    }

    @Override
    public Wait waitsFor() {
        long taken = takenBytes.get();
        if (grantedBytes <= taken) {
            return Wait.CREDIT;
        }
        if (wireBytes.get() < taken) {
            return link.waitsForWire() ? Wait.WIRE : Wait.COMPRESSION;
        }
        return peerNumber < wireNumber ? Wait.WIRE : Wait.NOTHING;
    }

    @Override
    public void send(int kind, ByteBuf body) {
        if (ended) {
            body.release();
            return;
        }
        if (credit() <= 0) {
            body.release();
            throw new IllegalStateException("there is no credit");
        }
        int bytes = body.readableBytes();
        takenBytes.addAndGet(Frames.credit(bytes));
        link.room().take(bytes);
        link.serial()
                .execute(() -> {
                    if (ended) {
                        link.room().give(bytes);
                        body.release();
                        return;
                    }
                    lastNumber++;
                    queue.add(new Waiting(lastNumber, kind, body));
                    link.wantsToSend(this);
                });
    }

    @Override
    public void message(int kind, ByteBuf body) {
        link.serial()
                .execute(() -> {
                    if (ended) {
                        body.release();
                    } else {
                        ByteBuf head = Unpooled.buffer(2).writeShortLE(kind);
                        link.control(
                                FrameType.MESSAGE, channel, Unpooled.wrappedBuffer(head, body));
                    }
                });
    }

    @Override
    public void limit(long bytesPerSecond) {
        link.serial().execute(() -> limit.limit(bytesPerSecond, link.nanoTime()));
    }

    @Override
    public void close(int code, String reason) {
        link.serial()
                .execute(() -> {
                    if (!ended) {
                        drop();
                        link.forget(channel, code, reason);
                    }
                });
    }
}
