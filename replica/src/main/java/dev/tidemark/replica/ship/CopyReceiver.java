package dev.tidemark.replica.ship;

import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.StreamPosition;
import dev.tidemark.replica.link.Frames;
import dev.tidemark.replica.link.InboundChannel;
import dev.tidemark.replica.link.InboundHandler;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The receiving end of a channel that brings a group: takes one thing after the other, in the order
 * in which they come, and ends the channel with what went wrong. On the desk's executor for the
 * group, which may wait for a disk.
 */
abstract class CopyReceiver implements InboundHandler {
    final Executor executor;
    private final @Nullable ProtectionGroup copy;
    private final Awaited awaited;
    private @Nullable InboundChannel channel;
    private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);
    private boolean ended;

    /**
     * @param copy the group; null while it is made
     * @param awaited is told what was acknowledged
     */
    CopyReceiver(@Nullable ProtectionGroup copy, Executor executor, Awaited awaited) {
        this.copy = copy;
        this.executor = executor;
        this.awaited = awaited;
    }

    final void start(InboundChannel opened) {
        channel = opened;
    }

    @Override
    public final void received(int kind, ByteBuf body) {
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
                                    if (failure != null) {
                                        fail(failure);
                                    } else if (kind != Kinds.DATA_END) {
                                        granted(bytes);
                                    }
                                },
                                executor);
    }

    private CompletableFuture<Void> take(int kind, ByteBuf body) {
        if (ended) {
            return nothing();
        }
        try {
            return switch (kind) {
                case Kinds.DATA_RECORDS -> records(body);
                case Kinds.DATA_VOLUME_ADDED -> add(GroupOffer.OfferedVolume.decode(body));
                case Kinds.DATA_VOLUME_RENAMED -> {
                    Bytes.require(body, 4);
                    int id = body.readIntLE();
                    yield rename(id, Bytes.readName(body));
                }
                case Kinds.DATA_VOLUME_REMOVED -> {
                    Bytes.require(body, 4);
                    yield removed(body.readIntLE());
                }
                default -> content(kind, body);
            };
        } catch (MalformedMessageException | ReplicaException failure) {
            return CompletableFuture.failedFuture(failure);
        }
    }

    /** What only a synchronisation brings. */
    CompletableFuture<Void> content(int kind, ByteBuf body)
            throws MalformedMessageException, ReplicaException {
        throw new MalformedMessageException("data of kind " + kind);
    }

    abstract CompletableFuture<Void> records(ByteBuf batch) throws ReplicaException;

    abstract CompletableFuture<Void> add(GroupOffer.OfferedVolume volume) throws ReplicaException;

    abstract CompletableFuture<Void> rename(int id, String name) throws ReplicaException;

    abstract CompletableFuture<Void> removed(int id) throws ReplicaException;

    /** Gives back what it took things into, once. */
    abstract void release();

    static CompletableFuture<Void> nothing() {
        return CompletableFuture.completedFuture(null);
    }

    static StreamPosition position(ByteBuf body) throws MalformedMessageException {
        Bytes.require(body, 20);
        StreamPosition position =
                new StreamPosition(body.readLongLE(), body.readLongLE(), body.readIntLE());
        if (!position.isBelievable()) {
            throw new MalformedMessageException("an end at " + position);
        }
        return position;
    }

    private void granted(int bytes) {
        InboundChannel open = open();
        if (open != null) {
            open.grant(Frames.credit(bytes));
            taken();
        }
    }

    /** Something was taken. */
    void taken() {}

    /** The channel; null before it is there and after its end. */
    private @Nullable InboundChannel open() {
        return ended ? null : channel;
    }

    final boolean isEnded() {
        return ended;
    }

    /** Tells the source that everything up to its record is on the disk here. */
    final void acknowledge(long sequence) {
        InboundChannel open = open();
        if (open != null) {
            open.acknowledge(
                    Unpooled.buffer(9).writeLongLE(sequence).writeByte(waitsForFold() ? 1 : 0));
        }
        awaited.reached(sequence);
    }

    /** Whether nothing more is taken until the copy's fold has caught up. */
    boolean waitsForFold() {
        return false;
    }

    final void fail(Throwable failure) {
        boolean takenOver = copy != null && copy.role().state() != GroupRole.STANDBY;
        end(
                takenOver ? Kinds.CODE_FENCED : ShippingDesk.code(failure),
                takenOver ? "this site has taken the group over" : ShippingDesk.text(failure));
    }

    /** Ends the channel, and tells the source why. */
    public final void end(int code, String why) {
        InboundChannel open = open();
        if (open != null) {
            open.close(code, why);
        }
        end();
    }

    /** Takes nothing more; what is under way is finished. */
    public final void end() {
        if (!ended) {
            ended = true;
            release();
        }
    }

    @Override
    public final void message(int kind, ByteBuf body) {
        // The source says nothing but what it sends.
    }

    @Override
    public final void closed(int code, String reason) {
        executor.execute(this::end);
    }
}
