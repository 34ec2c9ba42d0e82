package dev.tidemark.replica.ship;

import dev.tidemark.replica.CopyContent;
import dev.tidemark.replica.FeedSync;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.StreamPosition;
import dev.tidemark.replica.link.InboundChannel;
import dev.tidemark.replica.link.InboundHandler;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Takes a delta synchronisation into a copy that there is, one piece after the other in the order
 * in which they come. On the desk's executor for the group.
 */
final class DeltaReceiver implements InboundHandler, SyncTarget {
    private final ProtectionGroup group;
    private final FeedSync sync;
    private final CopyHost host;
    private final Executor executor;
    private @Nullable InboundChannel channel;
    private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);
    private boolean ended;

    DeltaReceiver(ProtectionGroup group, FeedSync sync, CopyHost host, Executor executor) {
        this.group = group;
        this.sync = sync;
        this.host = host;
        this.executor = executor;
    }

    /** Nothing is to be taken before this has completed. */
    CompletableFuture<Void> prepare(GroupOffer offer) {
        return group.learn(offer.tenure()).thenCompose(learned -> sync.begin());
    }

    void start(InboundChannel opened) {
        channel = opened;
    }

    @Override
    public CopyContent content() {
        return sync;
    }

    @Override
    public void received(int kind, ByteBuf body) {
        ByteBuf kept = body.retain();
        executor.execute(() -> next(kind, kept));
    }

    private void next(int kind, ByteBuf body) {
        int bytes = body.readableBytes();
        last =
                last.thenComposeAsync(before -> take(kind, body), executor)
                        .whenCompleteAsync(
                                (nothing, failure) -> {
                                    body.release();
                                    if (failure != null) {
                                        fail(failure);
                                    } else if (kind != Kinds.DATA_END) {
                                        taken(bytes);
                                    }
                                },
                                executor);
    }

    private CompletableFuture<Void> take(int kind, ByteBuf body) {
        if (ended) {
            return CompletableFuture.completedFuture(null);
        }
        try {
            return switch (kind) {
                case Kinds.DATA_RECORDS -> sync.append(body);
                case Kinds.DATA_VOLUME_ADDED -> volume(GroupOffer.OfferedVolume.decode(body));
                case Kinds.DATA_VOLUME_RENAMED -> {
                    Bytes.require(body, 4);
                    int id = body.readIntLE();
                    String name = Bytes.readText(body);
                    yield ShippingDesk.ifFree(host, group, name, () -> sync.rename(id, name));
                }
                case Kinds.DATA_VOLUME_REMOVED -> {
                    Bytes.require(body, 4);
                    yield sync.volumeRemoved(body.readIntLE());
                }
                case Kinds.DATA_REGION -> {
                    Bytes.require(body, 12);
                    yield sync.write(body.readIntLE(), body.readLongLE(), body);
                }
                case Kinds.DATA_ZERO -> {
                    Bytes.require(body, 20);
                    yield sync.zero(body.readIntLE(), body.readLongLE(), body.readLongLE());
                }
                case Kinds.DATA_END -> finish(body);
                default -> throw new MalformedMessageException("data of kind " + kind);
            };
        } catch (MalformedMessageException malformed) {
            return CompletableFuture.failedFuture(malformed);
        }
    }

    private CompletableFuture<Void> volume(GroupOffer.OfferedVolume volume) {
        return ShippingDesk.ifFree(
                host,
                group,
                volume.name(),
                () -> sync.volume(volume.id(), volume.name(), volume.sizeBytes()));
    }

    private CompletableFuture<Void> finish(ByteBuf body) throws MalformedMessageException {
        Bytes.require(body, 20);
        StreamPosition position =
                new StreamPosition(body.readLongLE(), body.readLongLE(), body.readIntLE());
        return sync.end(position).thenRunAsync(() -> finished(position), executor);
    }

    private void finished(StreamPosition position) {
        InboundChannel open = channel;
        if (open != null && !ended) {
            open.acknowledge(Unpooled.buffer(8).writeLongLE(position.sequence()));
        }
        end();
    }

    private void taken(int bytes) {
        InboundChannel open = channel;
        if (open != null && !ended) {
            open.grant(bytes);
        }
    }

    private void fail(Throwable failure) {
        boolean copy = group.role().state() == GroupRole.STANDBY;
        end(
                copy ? ShippingDesk.code(failure) : Kinds.CODE_FENCED,
                copy ? ShippingDesk.text(failure) : "this site has taken the group over");
    }

    @Override
    public void end(int code, String why) {
        InboundChannel open = channel;
        if (open != null && !ended) {
            open.close(code, why);
        }
        end();
    }

    @Override
    public void end() {
        ended = true;
        sync.close();
    }

    @Override
    public void message(int kind, ByteBuf body) {
        // The source says nothing but what it sends.
    }

    @Override
    public void closed(int code, String reason) {
        executor.execute(this::end);
    }
}
