package dev.tidemark.replica.ship;

import dev.tidemark.replica.CopyContent;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.StandbyStart;
import dev.tidemark.replica.StreamPosition;
import dev.tidemark.replica.SyncImages;
import dev.tidemark.replica.link.InboundChannel;
import dev.tidemark.replica.link.InboundHandler;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.UUID;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Takes an initial synchronisation into raw images, in the order in which it comes, and makes the
 * copy of them at its end. On the desk's executor for the group, which may wait for a disk.
 */
final class SyncReceiver implements InboundHandler, SyncTarget {
    private final GroupOffer offer;
    private final UUID source;
    private final CopyHost host;
    private final SyncImages images;
    private final Executor executor;
    private @Nullable InboundChannel channel;
    private boolean ended;

    SyncReceiver(
            GroupOffer offer, UUID source, CopyHost host, SyncImages images, Executor executor) {
        this.offer = offer;
        this.source = source;
        this.host = host;
        this.images = images;
        this.executor = executor;
    }

    void start(InboundChannel opened) {
        channel = opened;
    }

    @Override
    public CopyContent content() {
        return images;
    }

    @Override
    public void received(int kind, ByteBuf body) {
        ByteBuf kept = body.retain();
        executor.execute(() -> take(kind, kept));
    }

    private void take(int kind, ByteBuf body) {
        InboundChannel open = channel;
        try {
            if (ended || open == null) {
                return;
            }
            int bytes = body.readableBytes();
            if (kind == Kinds.DATA_END) {
                open.acknowledge(Unpooled.buffer(8).writeLongLE(finish(body)));
            } else {
                apply(kind, body);
                open.grant(bytes);
            }
        } catch (ReplicaException | MalformedMessageException failure) {
            fail(failure);
        } finally {
            body.release();
        }
    }

    private void apply(int kind, ByteBuf body) throws ReplicaException, MalformedMessageException {
        switch (kind) {
            case Kinds.DATA_RECORDS -> images.apply(body);
            case Kinds.DATA_VOLUME_ADDED -> {
                GroupOffer.OfferedVolume volume = GroupOffer.OfferedVolume.decode(body);
                host.requireFree(offer.group(), volume.name());
                images.volume(volume.id(), volume.name(), volume.sizeBytes());
            }
            case Kinds.DATA_VOLUME_RENAMED -> {
                Bytes.require(body, 4);
                int id = body.readIntLE();
                String name = Bytes.readText(body);
                host.requireFree(offer.group(), name);
                images.rename(id, name);
            }
            case Kinds.DATA_VOLUME_REMOVED -> {
                Bytes.require(body, 4);
                images.remove(body.readIntLE());
            }
            case Kinds.DATA_REGION -> {
                Bytes.require(body, 12);
                images.write(body.readIntLE(), body.readLongLE(), body);
            }
            case Kinds.DATA_ZERO -> {
                Bytes.require(body, 20);
                images.zero(body.readIntLE(), body.readLongLE(), body.readLongLE());
            }
            default -> throw new MalformedMessageException("data of kind " + kind);
        }
    }

    private long finish(ByteBuf body) throws ReplicaException, MalformedMessageException {
        Bytes.require(body, 20);
        StreamPosition position =
                new StreamPosition(body.readLongLE(), body.readLongLE(), body.readIntLE());
        images.force();
        ended = true;
        host.adopt(offer, source, images, new StandbyStart(position, offer.tenure(), source));
        return position.sequence();
    }

    private void fail(Exception failure) {
        end(ShippingDesk.code(failure), ShippingDesk.text(failure));
    }

    @Override
    public void end(int code, String why) {
        InboundChannel open = channel;
        if (open != null && !ended) {
            open.close(code, why);
        }
        end();
    }

    /** Takes nothing more; the images stay for the next attempt. */
    @Override
    public void end() {
        if (!ended) {
            ended = true;
            images.close();
        }
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
