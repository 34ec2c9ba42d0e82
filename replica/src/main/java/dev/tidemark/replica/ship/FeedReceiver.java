package dev.tidemark.replica.ship;

import dev.tidemark.replica.Feed;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.StreamPosition;
import dev.tidemark.replica.VolumeInfo;
import io.netty.buffer.ByteBuf;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;

/**
 * Takes what a channel of shipping brings into a copy's feed, and tells the source what is on the
 * disk: one force for all that was appended meanwhile.
 */
final class FeedReceiver extends CopyReceiver {
    private final ProtectionGroup group;
    private final Naming naming;
    private final Feed feed;
    private boolean forcing;
    private boolean unforced;

    /** The last record that is on the disk, in the source's numbers. */
    private long forcedSequence;

    FeedReceiver(
            ProtectionGroup group, Feed feed, Executor executor, Awaited awaited, Naming naming) {
        super(group, executor, awaited);
        this.group = group;
        this.naming = naming;
        this.feed = feed;
    }

    /**
     * Takes up the volumes that the source has and the copy has not, and the names that they got
     * meanwhile, and makes what the copy has durable.
     *
     * @return where it stands then
     */
    CompletableFuture<CopyStanding> prepare(GroupOffer offer) {
        Map<Integer, String> known =
                group.volumes().stream()
                        .collect(Collectors.toMap(VolumeInfo::id, VolumeInfo::name));
        CompletableFuture<Void> volumes = group.learn(offer.tenure());
        if (group.halfSynchronised() != null) {
            // They come with the synchronisation, after the last point before it.
            return volumes.thenApply(learned -> standing());
        }
        for (GroupOffer.OfferedVolume volume : offer.volumes()) {
            String name = known.get(volume.id());
            if (name == null) {
                volumes = volumes.thenCompose(before -> add(volume));
            } else if (!name.equals(volume.name())) {
                volumes = volumes.thenCompose(before -> rename(volume.id(), volume.name()));
            }
        }
        return volumes.thenCompose(added -> feed.force())
                .thenApply(forced -> {
                    forcedSequence = forced;
                    return standing();
                });
    }

    private CopyStanding standing() {
        StreamPosition half = group.halfSynchronised();
        return new CopyStanding(
                half != null, half == null ? feed.position() : half, feed.floorMicros());
    }

    @Override
    CompletableFuture<Void> records(ByteBuf batch) {
        CompletableFuture<Void> appended = feed.append(batch);
        if (waitsForFold()) {
            // Nothing is granted for a while: the source is told why.
            acknowledge(forcedSequence);
        }
        return appended;
    }

    @Override
    CompletableFuture<Void> add(GroupOffer.OfferedVolume volume) {
        return naming.name(
                volume.id(),
                volume.name(),
                name -> feed.addVolume(volume.id(), name, volume.sizeBytes()));
    }

    @Override
    CompletableFuture<Void> rename(int id, String name) {
        return naming.name(id, name, free -> feed.renameVolume(id, free));
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
                                        forcedSequence = sequence;
                                        acknowledge(sequence);
                                        force();
                                    }
                                },
                                executor);
    }

    @Override
    boolean waitsForFold() {
        return feed.waitsForFold();
    }

    @Override
    void release() {
        feed.close();
    }
}
