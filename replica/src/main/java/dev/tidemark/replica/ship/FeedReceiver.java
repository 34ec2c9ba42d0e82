package dev.tidemark.replica.ship;

import dev.tidemark.replica.Feed;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.StreamPosition;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Takes what a channel of shipping brings into a copy's feed, and tells the source what is on the
 * disk: one force for all that was appended meanwhile.
 */
final class FeedReceiver extends CopyReceiver {
    private final ProtectionGroup group;
    private final Feed feed;
    private boolean forcing;
    private boolean unforced;

    FeedReceiver(ProtectionGroup group, Feed feed, Executor executor, Awaited awaited) {
        super(group, executor, awaited);
        this.group = group;
        this.feed = feed;
    }

    /**
     * Takes up the volumes that the source has and the copy has not, and makes what the copy has
     * durable.
     *
     * @return where it stands then
     */
    CompletableFuture<Standing> prepare(GroupOffer offer) {
        CompletableFuture<Void> volumes = group.learn(offer.tenure());
        for (GroupOffer.OfferedVolume volume : offer.volumes()) {
            if (group.volumes().stream().noneMatch(known -> known.id() == volume.id())) {
                volumes = volumes.thenCompose(before -> add(volume));
            }
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

    @Override
    CompletableFuture<Void> records(ByteBuf batch) {
        return feed.append(batch);
    }

    @Override
    CompletableFuture<Void> add(GroupOffer.OfferedVolume volume) {
        return feed.addVolume(volume.id(), volume.name(), volume.sizeBytes());
    }

    @Override
    CompletableFuture<Void> rename(int id, String name) {
        return feed.renameVolume(id, name);
    }

    @Override
    CompletableFuture<Void> removed(int id) {
        return feed.volumeRemoved(id);
    }

    @Override
    void taken() {
        unforced = true;
        force();
    }

    private void force() {
        if (forcing || !unforced || isEnded()) {
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

    @Override
    void release() {
        feed.close();
    }
}
