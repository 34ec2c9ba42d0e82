package dev.tidemark.replica.ship;

import dev.tidemark.execution.Causes;
import dev.tidemark.execution.Scheduler;
import dev.tidemark.replica.CopyContent;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.SyncImages;
import dev.tidemark.replica.link.InboundHandler;
import dev.tidemark.replica.link.IncomingChannel;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.SyncPeer.Question;
import dev.tidemark.replica.ship.SyncPeer.Range;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The receiving side of a site: takes channels of shipping and of initial synchronisation for the
 * groups it keeps copies of, one at a time for each group, and answers questions about them.
 *
 * <p>Thread-safe: what concerns a group is done on a serial executor of its own, which may wait for
 * a disk.
 */
public final class ShippingDesk {
    /** Purposes of the channels that it takes. */
    public static final List<Integer> PURPOSES =
            List.of(Kinds.PURPOSE_SHIPPING, Kinds.PURPOSE_INITIAL_SYNC, Kinds.PURPOSE_DELTA_SYNC);

    /** Methods of the requests that it answers. */
    public static final List<Integer> METHODS =
            List.of(Kinds.METHOD_ALLOCATION, Kinds.METHOD_HASHES);

    /** Raw bytes that a source may have on their way to one copy. */
    private static final long CREDIT_BYTES = 48L << 20;

    private static final int MAXIMUM_HASHED_BYTES = 16 << 20;

    private final CopyHost host;
    private final Scheduler scheduler;
    private final Map<UUID, Lane> lanes = new ConcurrentHashMap<>();

    // Each entry is of its group's lane.
    private final Map<UUID, FeedReceiver> feeds = new ConcurrentHashMap<>();
    private final Map<UUID, SyncingReceiver> syncs = new ConcurrentHashMap<>();

    private final Map<UUID, Awaited> awaited = new ConcurrentHashMap<>();

    public ShippingDesk(CopyHost host, Scheduler scheduler) {
        this.host = host;
        this.scheduler = scheduler;
    }

    /** The serial executor of a group. What is under way is counted under its map's lock. */
    private static final class Lane {
        final Executor executor;
        private int underWay;

        Lane(Executor executor) {
            this.executor = executor;
        }
    }

    /**
     * Does something for a group, after everything that was to be done before. A peer can name as
     * many groups as it likes: what is kept of those that are not here goes with what was asked.
     */
    private void run(UUID group, Consumer<Executor> task) {
        Lane lane =
                lanes.compute(
                        group,
                        (id, known) -> {
                            Lane used =
                                    known == null
                                            ? new Lane(scheduler.newSerial("copy " + id))
                                            : known;
                            used.underWay++;
                            return used;
                        });
        lane.executor.execute(() -> {
            try {
                task.accept(lane.executor);
            } finally {
                leave(group, lane);
            }
        });
    }

    private void leave(UUID group, Lane lane) {
        boolean here = host.find(group) != null;
        lanes.computeIfPresent(
                group,
                (id, known) -> {
                    if (known == lane) {
                        lane.underWay--;
                    }
                    boolean used =
                            here
                                    || known.underWay > 0
                                    || feeds.containsKey(id)
                                    || syncs.containsKey(id);
                    return used ? known : null;
                });
    }

    private Awaited awaited(UUID group) {
        return awaited.computeIfAbsent(group, id -> new Awaited());
    }

    /**
     * Completes when the source is told that its record is on this site's disk, or a later one.
     * From any thread; who gives up cancels it.
     *
     * @param sequence the source's number
     */
    public CompletableFuture<Void> arrival(UUID group, long sequence) {
        return awaited(group).until(sequence);
    }

    /** As {@link dev.tidemark.replica.link.LinkUser#opened}. */
    public void opened(Link link, IncomingChannel channel, int purpose, ByteBuf body) {
        GroupOffer offer;
        try {
            offer = GroupOffer.decode(body);
        } catch (MalformedMessageException malformed) {
            channel.refuse(code(malformed), text(malformed));
            return;
        }
        run(
                offer.group(),
                executor -> {
                    try {
                        if (purpose == Kinds.PURPOSE_SHIPPING) {
                            feed(link, channel, offer, executor);
                        } else if (purpose == Kinds.PURPOSE_DELTA_SYNC) {
                            delta(link, channel, offer, executor);
                        } else {
                            sync(link, channel, offer, executor);
                        }
                    } catch (ReplicaException | RuntimeException failure) {
                        channel.refuse(code(failure), text(failure));
                    }
                });
    }

    /** This site has taken a group over: its source is told at once. */
    public void takenOver(UUID group, String why) {
        run(group, executor -> end(group, Kinds.CODE_FENCED, why));
    }

    private void end(UUID group, int code, String why) {
        FeedReceiver feed = feeds.remove(group);
        if (feed != null) {
            feed.end(code, why);
        }
        SyncingReceiver sync = syncs.remove(group);
        if (sync != null) {
            sync.end(code, why);
        }
    }

    /** The group is no longer here, or no copy any more. */
    public void forget(UUID group) {
        run(
                group,
                executor -> {
                    end(group, Kinds.CODE_UNUSABLE, "the copy was deleted");
                    lanes.remove(group);
                    awaited.remove(group);
                });
    }

    /**
     * Ends what comes for a group; its source begins again by itself. Completes when it has ended.
     */
    public CompletableFuture<Void> interrupt(UUID group, String why) {
        CompletableFuture<Void> ended = new CompletableFuture<>();
        run(
                group,
                executor -> {
                    try {
                        end(group, LinkException.CODE_NOT_NOW, why);
                        ended.complete(null);
                    } catch (RuntimeException failure) {
                        ended.completeExceptionally(failure);
                    }
                });
        return ended;
    }

    private void feed(Link link, IncomingChannel channel, GroupOffer offer, Executor executor)
            throws ReplicaException {
        ProtectionGroup group = host.find(offer.group());
        if (group == null) {
            channel.accept(0, CopyStanding.encodeNone(), new Unwanted());
            return;
        }
        if (!isCopyOf(group, offer, link.peer(), channel)) {
            return;
        }
        endBefore(offer.group());
        FeedReceiver receiver =
                new FeedReceiver(
                        group,
                        group.feed(link.peer()),
                        executor,
                        awaited(offer.group()),
                        Naming.of(host, offer, link));
        feeds.put(offer.group(), receiver);
        // What the source keeps is let go up to the position: it has to be on the disk.
        var _ =
                receiver.prepare(offer)
                        .whenCompleteAsync(
                                (standing, failure) -> {
                                    if (failure == null) {
                                        accept(channel, receiver, standing);
                                    } else {
                                        channel.refuse(code(failure), text(failure));
                                    }
                                },
                                executor);
    }

    /** One channel for a group: what came over another takes nothing more. */
    private void endBefore(UUID group) {
        FeedReceiver feed = feeds.remove(group);
        if (feed != null) {
            feed.end();
        }
        SyncingReceiver sync = syncs.remove(group);
        if (sync != null) {
            sync.end();
        }
    }

    private void delta(Link link, IncomingChannel channel, GroupOffer offer, Executor executor)
            throws ReplicaException {
        ProtectionGroup group = host.find(offer.group());
        if (group == null) {
            channel.refuse(LinkException.CODE_NOT_NOW, "there is no copy any more");
            return;
        }
        if (!isCopyOf(group, offer, link.peer(), channel)) {
            return;
        }
        endBefore(offer.group());
        DeltaReceiver receiver =
                new DeltaReceiver(
                        group,
                        group.resync(link.peer()),
                        executor,
                        awaited(offer.group()),
                        Naming.of(host, offer, link));
        syncs.put(offer.group(), receiver);
        var _ =
                receiver.prepare(offer)
                        .whenCompleteAsync(
                                (begun, failure) -> {
                                    if (failure == null) {
                                        ByteBuf nothing = Unpooled.EMPTY_BUFFER;
                                        receiver.start(
                                                channel.accept(CREDIT_BYTES, nothing, receiver));
                                    } else {
                                        channel.refuse(code(failure), text(failure));
                                    }
                                },
                                executor);
    }

    private static void accept(
            IncomingChannel channel, FeedReceiver receiver, CopyStanding standing) {
        receiver.start(channel.accept(CREDIT_BYTES, standing.encode(), receiver));
    }

    /**
     * Whether the group takes the peer's records; refuses the channel when it does not: of a source
     * that this site has taken the group over from, or while the group is on its way to be a copy,
     * or one of another site than before.
     */
    private boolean isCopyOf(
            ProtectionGroup group, GroupOffer offer, UUID peer, IncomingChannel channel)
            throws ReplicaException {
        Role role = group.role();
        boolean follows = peer.equals(role.source());
        boolean standby = role.state() == GroupRole.STANDBY;
        if (follows && role.state() == GroupRole.REJOINING) {
            // Also in a greater tenure: that one was given to the peer, which learns of it once
            // it can go on in it.
            channel.refuse(
                    LinkException.CODE_NOT_NOW, "the group is becoming your copy here; wait");
            return false;
        }
        if (role.tenure() > offer.tenure()) {
            channel.refuse(
                    standby && follows ? Kinds.CODE_TENURE : Kinds.CODE_FENCED,
                    "tenure "
                            + role.tenure()
                            + " of the group is in force, not "
                            + offer.tenure()
                            + (standby && follows ? ", and is yours" : ""));
            return false;
        }
        if (standby && follows) {
            return true;
        }
        if (standby && role.tenure() == offer.tenure()) {
            channel.refuse(
                    Kinds.CODE_UNUSABLE,
                    "the group is a copy of another site's here, in your tenure; delete it to make"
                            + " one of yours");
            return false;
        }
        if (role.tenure() == offer.tenure() && role.state() == GroupRole.ACTIVE) {
            // It gave the group up, or was told to; of two that are active, none gives way here.
            channel.refuse(Kinds.CODE_FENCED, "this site has the group, in your tenure");
            return false;
        }
        String how = host.rejoin(group, offer, peer);
        end(offer.group(), Kinds.CODE_FENCED, "another site has taken the group over");
        channel.refuse(LinkException.CODE_NOT_NOW, how);
        return false;
    }

    private void sync(Link link, IncomingChannel channel, GroupOffer offer, Executor executor)
            throws ReplicaException {
        ProtectionGroup group = host.find(offer.group());
        if (group != null) {
            channel.refuse(Kinds.CODE_UNUSABLE, "there is a copy already");
            return;
        }
        SyncingReceiver running = syncs.get(offer.group());
        if (running != null && !running.isEnded() && !offer.isOf(link.peer(), running.source())) {
            channel.refuse(Kinds.CODE_UNUSABLE, "another site's copy of the group is made here");
            return;
        }
        endBefore(offer.group());
        SyncImages images = host.begin(offer, link.peer());
        try {
            for (GroupOffer.OfferedVolume volume : offer.volumes()) {
                images.volume(volume.id(), volume.name(), volume.sizeBytes());
            }
        } catch (ReplicaException refused) {
            images.close();
            throw refused;
        }
        SyncReceiver receiver =
                new SyncReceiver(
                        offer, link.peer(), host, images, executor, awaited(offer.group()));
        syncs.put(offer.group(), receiver);
        receiver.start(channel.accept(CREDIT_BYTES, Unpooled.EMPTY_BUFFER, receiver));
    }

    /**
     * As {@link dev.tidemark.replica.link.LinkUser#requested}.
     *
     * @param peer who asks: only the source of a synchronisation may ask about it
     */
    public CompletableFuture<ByteBuf> requested(UUID peer, int method, ByteBuf body) {
        CompletableFuture<ByteBuf> answer = new CompletableFuture<>();
        try {
            Question asked = Question.decode(body);
            run(asked.group(), executor -> answer(peer, method, asked, answer));
        } catch (MalformedMessageException malformed) {
            answer.completeExceptionally(LinkException.refusal(code(malformed), text(malformed)));
        }
        return answer;
    }

    private void answer(UUID peer, int method, Question asked, CompletableFuture<ByteBuf> answer) {
        try {
            answer.complete(answer(peer, method, asked));
        } catch (ReplicaException | MalformedMessageException failure) {
            answer.completeExceptionally(LinkException.refusal(code(failure), text(failure)));
        } catch (LinkException | RuntimeException failure) {
            answer.completeExceptionally(failure);
        }
    }

    private ByteBuf answer(UUID peer, int method, Question asked)
            throws ReplicaException, MalformedMessageException, LinkException {
        SyncingReceiver sync = syncs.get(asked.group());
        if (sync == null || sync.isEnded()) {
            throw new ReplicaException(
                    ReplicaException.Kind.NOT_FOUND, "no synchronisation of that group runs here");
        }
        if (!sync.source().equals(peer)) {
            throw LinkException.refusal(
                    SiteMessages.CODE_NOT_YOURS,
                    "the copy of that group that is made or synchronised here is none of yours");
        }
        return method == Kinds.METHOD_ALLOCATION
                ? allocation(sync.content(), asked)
                : hashes(sync.content(), asked);
    }

    private static ByteBuf allocation(CopyContent copy, Question asked) throws ReplicaException {
        ByteBuf answer = Unpooled.buffer();
        answer.writeIntLE(0);
        List<Range> ranges =
                copy.allocated(
                        asked.volume(),
                        asked.offsetBytes(),
                        asked.lengthBytes(),
                        SyncPeer.MAXIMUM_RANGES,
                        Range::new);
        for (Range range : ranges) {
            answer.writeLongLE(range.offsetBytes()).writeLongLE(range.lengthBytes());
        }
        return answer.setIntLE(0, ranges.size());
    }

    private static ByteBuf hashes(CopyContent copy, Question asked)
            throws ReplicaException, MalformedMessageException {
        long length = asked.lengthBytes();
        if (length < 1 || length > MAXIMUM_HASHED_BYTES) {
            throw new MalformedMessageException("hashes of " + length + " bytes");
        }
        MessageDigest digest = Blocks.digest();
        ByteBuffer block = ByteBuffer.allocate(Blocks.BLOCK_BYTES);
        int count = Blocks.count(length);
        ByteBuf answer = Unpooled.buffer(count * Blocks.HASH_BYTES);
        for (int i = 0; i < count; i++) {
            block.clear().limit(Blocks.length(i, length));
            copy.read(asked.volume(), asked.offsetBytes() + (long) i * Blocks.BLOCK_BYTES, block);
            digest.update(block.flip());
            answer.writeBytes(digest.digest());
        }
        return answer;
    }

    static int code(Throwable failure) {
        Throwable cause = Causes.of(failure);
        if (cause instanceof MalformedMessageException) {
            return Kinds.CODE_MALFORMED;
        }
        return cause instanceof ReplicaException known
                        && known.kind() == ReplicaException.Kind.INVALID
                ? Kinds.CODE_UNUSABLE
                : Kinds.CODE_FAILED;
    }

    static String text(Throwable failure) {
        Throwable cause = Causes.of(failure);
        String message = cause.getMessage();
        return message == null ? cause.toString() : message;
    }

    /** A channel that only told that there is no copy; the source closes it. */
    private static final class Unwanted implements InboundHandler {
        @Override
        public void received(int kind, ByteBuf body) {
            // There is no credit: nothing comes.
        }

        @Override
        public void message(int kind, @Nullable ByteBuf body) {
            // Nothing is said.
        }

        @Override
        public void closed(int code, String reason) {
            // As expected.
        }
    }
}
