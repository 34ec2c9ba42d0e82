package dev.tidemark.replica;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.replica.link.InboundChannel;
import dev.tidemark.replica.link.InboundHandler;
import dev.tidemark.replica.link.IncomingChannel;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.link.LinkStatus;
import dev.tidemark.replica.link.OutboundChannel;
import dev.tidemark.replica.link.OutboundHandler;
import dev.tidemark.replica.ship.ShippingDesk;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A link without a wire: what one side says reaches the other side's desk some simulated time
 * later, in order, until it is cut. What is under way then is lost.
 */
final class DirectLink implements Link {
    private final SimulatedScheduler here;
    private final SimulatedScheduler there;
    private final ShippingDesk desk;
    private final Random random;
    private final UUID sender;
    private final List<Channel> channels = new ArrayList<>();
    private final List<CompletableFuture<ByteBuf>> asked = new ArrayList<>();
    private boolean cut;

    /** Of data that the source sent. */
    long sentBytes;

    private final Deque<Runnable> onTheWayThere = new ArrayDeque<>();
    private final Deque<Runnable> onTheWayHere = new ArrayDeque<>();

    /**
     * @param sender who speaks, as the other side knows it
     */
    DirectLink(
            SimulatedScheduler here,
            SimulatedScheduler there,
            ShippingDesk desk,
            Random random,
            UUID sender) {
        this.here = here;
        this.there = there;
        this.desk = desk;
        this.random = random;
        this.sender = sender;
    }

    /** Ends it; both sides are told. */
    void cut() {
        if (!cut) {
            cut = true;
            channels.forEach(Channel::down);
            for (CompletableFuture<ByteBuf> answer : asked) {
                var _ = here.schedule(0, () -> answer.completeExceptionally(gone()));
            }
        }
    }

    private void toThere(Runnable step) {
        deliver(there, onTheWayThere, step);
    }

    private void toHere(Runnable step) {
        deliver(here, onTheWayHere, step);
    }

    /** What is due at about the same time runs in any order, so each arrival takes the oldest. */
    private void deliver(SimulatedScheduler at, Deque<Runnable> onTheWay, Runnable step) {
        onTheWay.add(step);
        var _ =
                at.schedule(
                        random.nextInt(20_000_000),
                        () -> {
                            Runnable oldest = onTheWay.remove();
                            if (!cut) {
                                oldest.run();
                            }
                        });
    }

    private static LinkException gone() {
        return LinkException.refusal(LinkException.CODE_NOT_NOW, "cut");
    }

    private static ByteBuf taken(ByteBuf body) {
        ByteBuf copy = Unpooled.wrappedBuffer(ByteBufUtil.getBytes(body));
        body.release();
        return copy;
    }

    @Override
    public UUID peer() {
        return sender;
    }

    @Override
    public String peerName() {
        return "peer";
    }

    @Override
    public String peerVersion() {
        return "test";
    }

    @Override
    public CompletableFuture<ByteBuf> request(int method, ByteBuf body) {
        CompletableFuture<ByteBuf> answer = new CompletableFuture<>();
        asked.add(answer);
        if (cut) {
            answer.completeExceptionally(gone());
        }
        ByteBuf sent = taken(body);
        toThere(() -> {
            var _ =
                    desk.requested(sender, method, sent)
                            .whenComplete((told, failure) ->
                                    toHere(() -> {
                                        if (failure == null) {
                                            answer.complete(told);
                                        } else {
                                            answer.completeExceptionally(failure);
                                        }
                                    }));
        });
        return answer;
    }

    @Override
    public CompletableFuture<OutboundChannel> open(
            int purpose, ByteBuf body, OutboundHandler handler) {
        Channel channel = new Channel(handler);
        channels.add(channel);
        ByteBuf sent = taken(body);
        toThere(() -> desk.opened(this, channel.incoming(), purpose, sent));
        return channel.opened;
    }

    @Override
    public LinkStatus status() {
        throw new UnsupportedOperationException("nothing is measured");
    }

    @Override
    public void limit(long bytesPerSecond) {
        // As fast as simulated time allows.
    }

    @Override
    public void close(String reason) {
        cut();
    }

    /** Both ends. */
    private final class Channel {
        private final OutboundHandler sender;
        private final CompletableFuture<OutboundChannel> opened = new CompletableFuture<>();
        private ByteBuf openedBody = Unpooled.EMPTY_BUFFER;
        private @Nullable InboundHandler receiver;
        private long credit;
        private boolean closed;

        Channel(OutboundHandler sender) {
            this.sender = sender;
        }

        void down() {
            if (!closed) {
                closed = true;
                var _ = here.schedule(0, () -> sender.closed(LinkException.CODE_LINK_DOWN, "cut"));
                InboundHandler told = receiver;
                if (told != null) {
                    var _ =
                            there.schedule(
                                    0, () -> told.closed(LinkException.CODE_LINK_DOWN, "cut"));
                }
            }
        }

        IncomingChannel incoming() {
            return new IncomingChannel() {
                @Override
                public InboundChannel accept(
                        long initialCredit, ByteBuf body, InboundHandler handler) {
                    receiver = handler;
                    ByteBuf told = taken(body);
                    toHere(() -> {
                        openedBody = told;
                        credit = initialCredit;
                        opened.complete(outbound());
                        sender.ready();
                    });
                    return inbound();
                }

                @Override
                public void refuse(int code, String text) {
                    toHere(() -> opened.completeExceptionally(LinkException.refusal(code, text)));
                }
            };
        }

        private InboundChannel inbound() {
            return new InboundChannel() {
                @Override
                public void acknowledge(ByteBuf body) {
                    ByteBuf told = taken(body);
                    toHere(() -> {
                        if (!closed) {
                            sender.acknowledged(told);
                        }
                    });
                }

                @Override
                public void grant(long bytes) {
                    toHere(() -> {
                        boolean stuck = credit <= 0;
                        credit += bytes;
                        if (!closed && stuck && credit > 0) {
                            sender.ready();
                        }
                    });
                }

                @Override
                public void message(int kind, ByteBuf body) {
                    body.release();
                }

                @Override
                public void close(int code, String reason) {
                    toHere(() -> {
                        if (!closed) {
                            closed = true;
                            sender.closed(code, reason);
                        }
                    });
                }
            };
        }

        private OutboundChannel outbound() {
            return new OutboundChannel() {
                @Override
                public ByteBuf openedBody() {
                    return openedBody;
                }

                @Override
                public long credit() {
                    return closed ? 0 : credit;
                }

                @Override
                public Wait waitsFor() {
                    return credit <= 0 ? Wait.CREDIT : Wait.NOTHING;
                }

                @Override
                public void send(int kind, ByteBuf body) {
                    if (!closed && credit <= 0) {
                        throw new IllegalStateException("no credit");
                    }
                    credit -= body.readableBytes();
                    sentBytes += body.readableBytes();
                    ByteBuf sent = taken(body);
                    InboundHandler to = receiver;
                    if (!closed && to != null) {
                        toThere(() -> to.received(kind, sent));
                    }
                }

                @Override
                public void message(int kind, ByteBuf body) {
                    body.release();
                }

                @Override
                public void limit(long bytesPerSecond) {
                    // As fast as simulated time allows.
                }

                @Override
                public void close(int code, String reason) {
                    if (!closed) {
                        closed = true;
                        InboundHandler to = receiver;
                        if (to != null) {
                            toThere(() -> to.closed(code, reason));
                        }
                    }
                }
            };
        }
    }
}
