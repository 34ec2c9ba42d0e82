package dev.tidemark.replica.ship;

import dev.tidemark.replica.HistoryMap;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Shipment;
import dev.tidemark.replica.StreamPosition;
import dev.tidemark.replica.VolumeInfo;
import dev.tidemark.replica.link.OutboundChannel;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Makes a copy at a peer, or brings one that there is up to date across a break of the order, while
 * hosts go on writing: records and regions of the live disks take turns in one channel, until the
 * walk is over and the copy is the source at one record. See {@code docs/internals/two-sites.md},
 * "Initial synchronisation" and "Delta synchronisation".
 *
 * <p>On the shipping's executor. {@link #run} goes as far as the peer has room and is run again for
 * every reason there may be: room, records, a window read.
 */
final class InitialSync implements SyncWalk.Output {
    /** Characters of a reason that are told. */
    private static final int MAXIMUM_WHY = 1000;

    /** What was sent and not yet given to the channel. */
    private record Waiting(int kind, ByteBuf body) {}

    private final ProtectionGroup group;
    private final Shipment shipment;
    private final OutboundChannel channel;
    private final RecordPump pump;
    private final SyncPeer peer;
    private final @Nullable Map<Integer, HistoryMap> changes;
    private final String why;
    private final Executor executor;
    private final Runnable again;
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private @Nullable SyncWalk walk;
    private int walkedVolume;
    private boolean reading;
    private boolean ended;
    private boolean closed;
    private @Nullable Throwable failure;
    private volatile SyncProgress progress = SyncProgress.NONE;

    /**
     * @param changes what the copy may lack of the volumes that it has, closed with this; null when
     *     that may be anything
     * @param why the copy is made or synchronised; it is told so
     */
    InitialSync(
            ProtectionGroup group,
            Shipment shipment,
            OutboundChannel channel,
            RecordPump pump,
            SyncPeer peer,
            @Nullable Map<Integer, HistoryMap> changes,
            String why,
            Executor executor,
            Runnable again) {
        this.group = group;
        this.shipment = shipment;
        this.channel = channel;
        this.pump = pump;
        this.peer = peer;
        this.changes = changes;
        this.why = why;
        this.executor = executor;
        this.again = again;
    }

    /** From any thread. */
    SyncProgress progress() {
        return progress;
    }

    /**
     * Goes on.
     *
     * @throws ReplicaException when it cannot: a disk of the source failed, or the peer answered
     *     wrongly
     */
    void run() throws ReplicaException {
        if (failure != null) {
            throw new ReplicaException(
                    ReplicaException.Kind.FAILED,
                    "the synchronisation stopped: " + failure.getMessage(),
                    failure);
        }
        if (reading || ended) {
            return;
        }
        while (channel.credit() > 0 && !waiting.isEmpty()) {
            Waiting first = waiting.remove();
            channel.send(first.kind(), first.body());
        }
        if (waiting.isEmpty()) {
            // Before the next region is read, not after.
            pump.run();
            if (channel.credit() > 0) {
                goOn();
            }
        }
    }

    private void goOn() throws ReplicaException {
        SyncWalk current = walk;
        if (current != null && current.isAtEnd()) {
            current.close();
            current = null;
            walk = null;
        }
        if (current == null) {
            current = next();
            walk = current;
        }
        if (current == null) {
            end();
        } else {
            window(current);
        }
    }

    /** Volumes by id: one that is added meanwhile has the greatest and comes last. */
    private @Nullable SyncWalk next() throws ReplicaException {
        Optional<VolumeInfo> volume =
                group.volumes().stream()
                        .filter(each -> each.id() > walkedVolume)
                        .min(Comparator.comparingInt(VolumeInfo::id));
        if (volume.isEmpty()) {
            return null;
        }
        walkedVolume = volume.get().id();
        pump.tellNew();
        if (!pump.isEven()) {
            pump.run();
        }
        return new SyncWalk(
                walkedVolume,
                group.openVolume(walkedVolume),
                changes == null ? null : changes.get(walkedVolume),
                peer,
                this,
                executor);
    }

    private void window(SyncWalk current) {
        reading = true;
        long before = current.passedBytes();
        CompletableFuture<Void> done = current.window();
        var _ =
                done.whenCompleteAsync(
                        (nothing, failed) -> {
                            failure = failed;
                            passed(current.passedBytes() - before);
                            if (closed || failed != null || !shipment.hasUnforced()) {
                                goneOver();
                            } else {
                                shipment.force(() -> executor.execute(this::goneOver));
                            }
                        },
                        executor);
    }

    /**
     * A window was read, and what it may show is durable: what the source can still lose must not
     * get into a copy of which the source's history tells, later, what it lacks.
     */
    private void goneOver() {
        reading = false;
        if (closed) {
            closeMaps();
        }
        again.run();
    }

    private void passed(long bytes) {
        long total = group.volumes().stream().mapToLong(VolumeInfo::sizeBytes).sum();
        progress = progress.passed(total, bytes);
    }

    /**
     * The copy is the source once it has what is in the log now; not in the middle of a promotion.
     */
    private void end() throws ReplicaException {
        if (group.promotion() != null || !pump.isEven() || shipment.hasUnforced()) {
            return;
        }
        StreamPosition position = shipment.position();
        ByteBuf body = Unpooled.buffer(32);
        body.writeLongLE(position.sequence())
                .writeLongLE(position.timeMicros())
                .writeIntLE(position.epoch());
        Bytes.writeText(body, why.length() > MAXIMUM_WHY ? why.substring(0, MAXIMUM_WHY) : why);
        ended = true;
        channel.send(Kinds.DATA_END, body);
    }

    @Override
    public void region(int volume, long offsetBytes, ByteBuf bytes) {
        progress = progress.sent(bytes.readableBytes());
        ByteBuf head = Unpooled.buffer(12).writeIntLE(volume).writeLongLE(offsetBytes);
        put(Kinds.DATA_REGION, Unpooled.wrappedBuffer(head, bytes));
    }

    @Override
    public void zero(int volume, long offsetBytes, long lengthBytes) {
        progress = progress.zeroed(lengthBytes);
        put(
                Kinds.DATA_ZERO,
                Unpooled.buffer(20)
                        .writeIntLE(volume)
                        .writeLongLE(offsetBytes)
                        .writeLongLE(lengthBytes));
    }

    /** A window's content goes before any later record: it waits for the window's end. */
    private void put(int kind, ByteBuf body) {
        if (closed) {
            body.release();
        } else {
            waiting.add(new Waiting(kind, body));
        }
    }

    @Override
    public void equal(long lengthBytes) {
        progress = progress.equal(lengthBytes);
    }

    @Override
    public void read(long lengthBytes) {
        progress = progress.read(lengthBytes);
    }

    /** Whether the end was sent. */
    boolean isEnded() {
        return ended;
    }

    /** Gives back what it holds. */
    void close() {
        closed = true;
        waiting.forEach(one -> one.body().release());
        waiting.clear();
        if (walk != null) {
            walk.close();
            walk = null;
        }
        if (!reading) {
            closeMaps();
        }
    }

    /** Once no question is under way. */
    private void closeMaps() {
        if (changes != null) {
            changes.values().forEach(HistoryMap::close);
        }
    }
}
