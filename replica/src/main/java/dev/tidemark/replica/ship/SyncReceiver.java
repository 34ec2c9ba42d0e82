package dev.tidemark.replica.ship;

import dev.tidemark.replica.CopyContent;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.StandbyStart;
import dev.tidemark.replica.StreamPosition;
import dev.tidemark.replica.SyncImages;
import io.netty.buffer.ByteBuf;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Takes an initial synchronisation into raw images, and makes the copy of them at its end. The
 * images stay for the next attempt when it does not come to that.
 */
final class SyncReceiver extends SyncingReceiver {
    private final GroupOffer offer;
    private final UUID source;
    private final CopyHost host;
    private final SyncImages images;
    private boolean given;

    SyncReceiver(
            GroupOffer offer,
            UUID source,
            CopyHost host,
            SyncImages images,
            Executor executor,
            Awaited awaited) {
        super(null, executor, awaited);
        this.offer = offer;
        this.source = source;
        this.host = host;
        this.images = images;
    }

    @Override
    CopyContent content() {
        return images;
    }

    @Override
    UUID source() {
        return source;
    }

    @Override
    CompletableFuture<Void> records(ByteBuf batch) throws ReplicaException {
        images.apply(batch);
        return nothing();
    }

    @Override
    CompletableFuture<Void> add(GroupOffer.OfferedVolume volume) throws ReplicaException {
        images.volume(volume.id(), volume.name(), volume.sizeBytes());
        return nothing();
    }

    @Override
    CompletableFuture<Void> rename(int id, String name) throws ReplicaException {
        images.rename(id, name);
        return nothing();
    }

    @Override
    CompletableFuture<Void> removed(int id) throws ReplicaException {
        images.remove(id);
        return nothing();
    }

    @Override
    CompletableFuture<Void> write(int volume, long offsetBytes, ByteBuf bytes)
            throws ReplicaException {
        images.write(volume, offsetBytes, bytes);
        return nothing();
    }

    @Override
    CompletableFuture<Void> zero(int volume, long offsetBytes, long lengthBytes)
            throws ReplicaException {
        images.zero(volume, offsetBytes, lengthBytes);
        return nothing();
    }

    @Override
    CompletableFuture<Void> complete(StreamPosition position, String why) throws ReplicaException {
        images.force();
        given = true;
        host.adopt(offer, source, images, new StandbyStart(position, offer.tenure(), source));
        return nothing();
    }

    /** Images that were given to the copy are its own. */
    @Override
    void release() {
        if (!given) {
            images.close();
        }
    }
}
