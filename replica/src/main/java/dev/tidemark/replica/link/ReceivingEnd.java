package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * The receiving end of a channel, before and after it is accepted. Its state is of the link's
 * executor.
 */
final class ReceivingEnd implements IncomingChannel, InboundChannel {
    private final LinkCore link;
    private final int channel;
    private @Nullable InboundHandler handler;
    private @Nullable DataOrder order;
    private @Nullable ByteBuf acknowledgement;
    private boolean answered;
    private boolean ended;
    private boolean telling;

    ReceivingEnd(LinkCore link, int channel) {
        this.link = link;
        this.channel = channel;
    }

    @Override
    public InboundChannel accept(long initialCredit, ByteBuf body, InboundHandler taker) {
        link.serial()
                .execute(() -> {
                    if (ended || answered) {
                        body.release();
                        taker.closed(LinkException.CODE_LINK_DOWN, "the channel has ended");
                        return;
                    }
                    answered = true;
                    handler = taker;
                    order = new DataOrder(initialCredit);
                    ByteBuf head = Unpooled.buffer(8).writeLongLE(initialCredit);
                    link.control(FrameType.OPENED, channel, Unpooled.wrappedBuffer(head, body));
                });
        return this;
    }

    @Override
    public void refuse(int code, String text) {
        close(code, text);
    }

    /** Takes a DATA frame; returns its raw bytes. */
    long data(Frame frame) throws LinkException {
        ByteBuf body = frame.body();
        long number = body.readLongLE();
        int kind = body.readUnsignedShortLE();
        int reserved = body.readUnsignedShortLE();
        int rawBytes = body.readIntLE();
        DataOrder places = order;
        if (places == null || reserved != 0 || rawBytes > Frames.MAXIMUM_RAW_BYTES) {
            throw LinkCore.broken("DATA of " + rawBytes + " bytes on channel " + channel);
        }
        if (!places.admit(rawBytes)) {
            throw LinkCore.broken("DATA beyond the credit of channel " + channel);
        }
        ByteBuf raw =
                frame.compressed()
                        ? link.compression().decompress(ByteBufAllocator.DEFAULT, body, rawBytes)
                        : body.readableBytes() == rawBytes ? body.retainedSlice() : null;
        if (raw == null) {
            throw LinkCore.broken("DATA is not what it says, on channel " + channel);
        }
        if (!places.add(number, new DataOrder.Data(kind, raw))) {
            raw.release();
            throw LinkCore.broken("DATA " + number + " comes twice on channel " + channel);
        }
        deliver(places);
        // Also before anything is granted: the sender learns that the network did its part.
        tell();
        return rawBytes;
    }

    private void deliver(DataOrder places) {
        InboundHandler taker = handler;
        for (DataOrder.Data next = places.poll(); next != null; next = places.poll()) {
            try {
                if (taker != null && !ended) {
                    taker.received(next.kind(), next.body());
                }
            } finally {
                next.body().release();
            }
        }
    }

    void told(int kind, ByteBuf body) {
        if (handler != null && !ended) {
            handler.message(kind, body);
        }
    }

    void closed(int code, String text) {
        InboundHandler taker = handler;
        if (!ended) {
            drop();
            if (taker != null) {
                taker.closed(code, text);
            }
        }
    }

    void down(String reason) {
        closed(LinkException.CODE_LINK_DOWN, reason);
    }

    private void drop() {
        ended = true;
        if (order != null) {
            order.clear();
        }
        if (acknowledgement != null) {
            acknowledgement.release();
            acknowledgement = null;
        }
    }

    @Override
    public void acknowledge(ByteBuf body) {
        link.serial()
                .execute(() -> {
                    if (ended) {
                        body.release();
                        return;
                    }
                    if (acknowledgement != null) {
                        acknowledgement.release();
                    }
                    acknowledgement = body;
                    tell();
                });
    }

    @Override
    public void grant(long bytes) {
        link.serial()
                .execute(() -> {
                    if (order != null && !ended) {
                        order.grant(bytes);
                        tell();
                    }
                });
    }

    /** One ACK for all that was said in this turn. */
    private void tell() {
        if (!telling) {
            telling = true;
            link.serial().execute(this::acknowledgeNow);
        }
    }

    private void acknowledgeNow() {
        telling = false;
        DataOrder places = order;
        if (ended || places == null) {
            return;
        }
        ByteBuf head =
                Unpooled.buffer(16)
                        .writeLongLE(places.takenNumber())
                        .writeLongLE(places.grantedBytes());
        ByteBuf body = acknowledgement;
        acknowledgement = null;
        link.control(
                FrameType.ACK, channel, body == null ? head : Unpooled.wrappedBuffer(head, body));
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
    public void close(int code, String reason) {
        link.serial()
                .execute(() -> {
                    if (!ended) {
                        answered = true;
                        drop();
                        link.forget(channel, code, reason);
                    }
                });
    }
}
