package dev.tidemark.replica.ship;

import dev.tidemark.replica.Feed;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.StreamPosition;
import dev.tidemark.replica.VolumeInfo;
import dev.tidemark.replica.link.InboundChannel;
import dev.tidemark.replica.link.InboundHandler;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Takes what a channel of shipping brings into a copy's feed, one after the other, and tells the
 * source what is on the disk: one force for all that was appended meanwhile. On the desk's executor
 * for the group.
 */
final class FeedReceiver implements InboundHandler {
    private final ProtectionGroup group;
    private final Feed feed;
    private final CopyHost host;
    private final Executor executor;
    private @Nullable InboundChannel channel;
    private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);
    private boolean forcing;
    private boolean unforced;
    private boolean ended;

    FeedReceiver(ProtectionGroup group, Feed feed, CopyHost host, Executor executor) {
        this.group = group;
        this.feed = feed;
        this.host = host;
        this.executor = executor;
    }

    /**
     * Takes up the volumes that the source has and the copy has not, and names that were changed
     * meanwhile, and makes what the copy has durable.
     *
     * @return where it stands then
     */
    CompletableFuture<Standing> prepare(GroupOffer offer) {
        CompletableFuture<Void> volumes = group.learn(offer.tenure());
        for (GroupOffer.OfferedVolume volume : offer.volumes()) {
            volumes = volumes.thenComposeAsync(before -> take(volume), executor);
        }
        return volumes.thenCompose(added -> feed.force()).thenApply(forced -> standing());
    }

    /**
     * Where the copy stands.
     *
     * @param half whether a synchronisation has to come to its end first; the position is then the
     *     one after which that began
     */
    record Standing(boolean half, StreamPosition position) {}

    private Standing standing() {
        StreamPosition half = group.halfSynchronised();
        return half == null ? new Standing(false, feed.position()) : new Standing(true, half);
    }

    long floorMicros() {
        return feed.floorMicros();
    }

    void start(InboundChannel opened) {
        channel = opened;
    }

    @Override
    public void received(int kind, ByteBuf body) {
        ByteBuf kept = body.retain();
        executor.execute(() -> next(kind, kept));
    }

    /**
     * Everything waits for what came before it: a volume for its group's records, and the reverse.
     */
    private void next(int kind, ByteBuf body) {
        int bytes = body.readableBytes();
        last =
                last.thenComposeAsync(before -> take(kind, body), executor)
                        .whenCompleteAsync(
                                (nothing, failure) -> {
                                    body.release();
                                    if (failure == null) {
                                        taken(bytes);
                                    } else {
                                        fail(failure);
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
                case Kinds.DATA_RECORDS -> feed.append(body);
                case Kinds.DATA_VOLUME_ADDED -> add(GroupOffer.OfferedVolume.decode(body));
                case Kinds.DATA_VOLUME_RENAMED -> rename(body);
                case Kinds.DATA_VOLUME_REMOVED -> remove(body);
                default -> throw new MalformedMessageException("data of kind " + kind);
            };
        } catch (MalformedMessageException malformed) {
            return CompletableFuture.failedFuture(malformed);
        }
    }

    private CompletableFuture<Void> take(GroupOffer.OfferedVolume volume) {
        String known =
                group.volumes().stream()
                        .filter(each -> each.id() == volume.id())
                        .map(VolumeInfo::name)
                        .findFirst()
                        .orElse(null);
        if (known == null) {
            return add(volume);
        }
        return known.equals(volume.name())
                ? CompletableFuture.completedFuture(null)
                : rename(volume.id(), volume.name());
    }

    private CompletableFuture<Void> add(GroupOffer.OfferedVolume volume) {
        return ShippingDesk.ifFree(
                host,
                group,
                volume.name(),
                () -> feed.addVolume(volume.id(), volume.name(), volume.sizeBytes()));
    }

    private CompletableFuture<Void> rename(int id, String name) {
        return ShippingDesk.ifFree(host, group, name, () -> feed.renameVolume(id, name));
    }

    private CompletableFuture<Void> rename(ByteBuf body) throws MalformedMessageException {
        Bytes.require(body, 4);
        int id = body.readIntLE();
        return rename(id, Bytes.readText(body));
    }

    private CompletableFuture<Void> remove(ByteBuf body) throws MalformedMessageException {
        Bytes.require(body, 4);
        return feed.volumeRemoved(body.readIntLE());
    }

    private void taken(int bytes) {
        InboundChannel open = channel;
        if (open != null && !ended) {
            open.grant(bytes);
            unforced = true;
            force();
        }
    }

    private void force() {
        if (forcing || !unforced || ended) {
            return;
        }
        forcing = true;
        unforced = false;
        var _ =
                feed.force()
                        .whenCompleteAsync(
                                (sequence, failure) -> {
                                    forcing = false;
                                    if (failure != null) {
                                        fail(failure);
                                    } else {
                                        acknowledge(sequence);
                                        force();
                                    }
                                },
                                executor);
    }

    private void acknowledge(long sequence) {
        InboundChannel open = channel;
        if (open != null && !ended) {
            open.acknowledge(Unpooled.buffer(8).writeLongLE(sequence));
        }
    }

    private void fail(Throwable failure) {
        boolean copy = group.role().state() == GroupRole.STANDBY;
        end(
                copy ? ShippingDesk.code(failure) : Kinds.CODE_FENCED,
                copy ? ShippingDesk.text(failure) : "this site has taken the group over");
    }

    /** Ends the channel, and tells the source why. */
    void end(int code, String why) {
        InboundChannel open = channel;
        if (open != null && !ended) {
            open.close(code, why);
        }
        end();
    }

    /** Takes nothing more; what is under way is finished. */
    void end() {
        ended = true;
        feed.close();
    }

    @Override
    public void message(int kind, ByteBuf body) {
        // The source says nothing but its records.
    }

    @Override
    public void closed(int code, String reason) {
        executor.execute(this::end);
    }
}
