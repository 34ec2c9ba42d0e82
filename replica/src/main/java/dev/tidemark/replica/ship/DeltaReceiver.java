package dev.tidemark.replica.ship;

import dev.tidemark.replica.CopyContent;
import dev.tidemark.replica.FeedSync;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.StreamPosition;
import io.netty.buffer.ByteBuf;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;

/** Takes a delta synchronisation into a copy that there is. */
final class DeltaReceiver extends SyncingReceiver {
    private final ProtectionGroup group;
    private final Naming naming;
    private final FeedSync sync;

    DeltaReceiver(
            ProtectionGroup group,
            FeedSync sync,
            Executor executor,
            Awaited awaited,
            Naming naming) {
        super(group, executor, awaited);
        this.group = group;
        this.naming = naming;
        this.sync = sync;
    }

    /** Nothing is to be taken before this has completed. */
    CompletableFuture<Void> prepare(GroupOffer offer) {
        Set<Integer> wanted =
                offer.volumes().stream()
                        .map(GroupOffer.OfferedVolume::id)
                        .collect(Collectors.toSet());
        return group.learn(offer.tenure()).thenCompose(learned -> sync.begin(wanted));
    }

    @Override
    CopyContent content() {
        return sync;
    }

    @Override
    UUID source() {
        return naming.source();
    }

    @Override
    CompletableFuture<Void> records(ByteBuf batch) {
        return sync.append(batch);
    }

    @Override
    CompletableFuture<Void> add(GroupOffer.OfferedVolume volume) {
        return naming.name(
                volume.id(),
                volume.name(),
                name -> sync.volume(volume.id(), name, volume.sizeBytes()));
    }

    @Override
    CompletableFuture<Void> rename(int id, String name) {
        return naming.name(id, name, free -> sync.rename(id, free));
    }

    @Override
    CompletableFuture<Void> removed(int id) {
        return sync.volumeRemoved(id);
    }

    @Override
    CompletableFuture<Void> write(int volume, long offsetBytes, ByteBuf bytes) {
        return sync.write(volume, offsetBytes, bytes);
    }

    @Override
    CompletableFuture<Void> zero(int volume, long offsetBytes, long lengthBytes) {
        return sync.zero(volume, offsetBytes, lengthBytes);
    }

    @Override
    CompletableFuture<Void> complete(StreamPosition position, String why) {
        return sync.end(position, why);
    }

    @Override
    void release() {
        sync.close();
    }
}
