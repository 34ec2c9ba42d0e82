package dev.tidemark.replica.ship;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.StreamPosition;
import dev.tidemark.replica.SyncImages;
import dev.tidemark.replica.link.InboundHandler;
import dev.tidemark.replica.link.IncomingChannel;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.SyncPeer.Range;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The receiving side of a site: takes channels of shipping and of initial synchronisation for the
 * groups it keeps copies of, one at a time for each group, and answers questions about them.
 *
 * <p>Thread-safe: its state is of one serial executor, which may wait for a disk.
 */
public final class ShippingDesk {
    /** Raw bytes that a source may have on their way to one copy. */
    private static final long CREDIT_BYTES = 48L << 20;

    private static final int MAXIMUM_HASHED_BYTES = 16 << 20;

    private final CopyHost host;
    private final Executor executor;
    private final Map<UUID, FeedReceiver> feeds = new HashMap<>();
    private final Map<UUID, SyncReceiver> syncs = new HashMap<>();

    public ShippingDesk(CopyHost host, Scheduler scheduler) {
        this.host = host;
        this.executor = scheduler.newSerial("copies");
    }

    /** Whether a channel's purpose is this desk's. */
    public static boolean knowsPurpose(int purpose) {
        return purpose == Kinds.PURPOSE_SHIPPING || purpose == Kinds.PURPOSE_INITIAL_SYNC;
    }

    /** Whether a request's method is this desk's. */
    public static boolean knowsMethod(int method) {
        return method == Kinds.METHOD_ALLOCATION || method == Kinds.METHOD_HASHES;
    }

    /** As {@link dev.tidemark.replica.link.LinkUser#opened}. */
    public void opened(Link link, IncomingChannel channel, int purpose, ByteBuf body) {
        ByteBuf kept = body.retain();
        executor.execute(() -> {
            try {
                GroupOffer offer = GroupOffer.decode(kept);
                if (purpose == Kinds.PURPOSE_SHIPPING) {
                    feed(channel, offer);
                } else {
                    sync(link, channel, offer);
                }
            } catch (ReplicaException | MalformedMessageException failure) {
                channel.refuse(code(failure), text(failure));
            } finally {
                kept.release();
            }
        });
    }

    private void feed(IncomingChannel channel, GroupOffer offer) throws ReplicaException {
        ProtectionGroup group = host.find(offer.group());
        if (group == null) {
            channel.accept(0, Unpooled.buffer(1).writeByte(Kinds.OPENED_UNKNOWN), new Unwanted());
            return;
        }
        if (!isCopyOf(group, offer, channel)) {
            return;
        }
        FeedReceiver before = feeds.remove(offer.group());
        if (before != null) {
            before.end();
        }
        FeedReceiver receiver = new FeedReceiver(group.feed(), executor);
        feeds.put(offer.group(), receiver);
        // What the source keeps is let go up to the position: it has to be on the disk.
        var _ =
                receiver.prepare(group, offer)
                        .whenCompleteAsync(
                                (position, failure) -> {
                                    if (failure == null) {
                                        accept(channel, receiver, position);
                                    } else {
                                        channel.refuse(code(failure), text(failure));
                                    }
                                },
                                executor);
    }

    private static void accept(
            IncomingChannel channel, FeedReceiver receiver, StreamPosition position) {
        ByteBuf answer = Unpooled.buffer(21).writeByte(Kinds.OPENED_POSITION);
        answer.writeLongLE(position.sequence())
                .writeLongLE(position.timeMicros())
                .writeIntLE(position.epoch());
        receiver.start(channel.accept(CREDIT_BYTES, answer, receiver));
    }

    /** Refuses a source that this site has taken the group over from, or knows otherwise. */
    private static boolean isCopyOf(
            ProtectionGroup group, GroupOffer offer, IncomingChannel channel) {
        Role role = group.role();
        if (role.tenure() > offer.tenure()) {
            channel.refuse(
                    Kinds.CODE_FENCED,
                    "the group has been taken over: tenure "
                            + role.tenure()
                            + " is in force, not "
                            + offer.tenure());
            return false;
        }
        if (role.state() != GroupRole.STANDBY) {
            channel.refuse(
                    Kinds.CODE_UNUSABLE,
                    "the group is "
                            + role.state()
                            + " here, not a copy; remove it, or protect it in the other direction");
            return false;
        }
        return true;
    }

    private void sync(Link link, IncomingChannel channel, GroupOffer offer)
            throws ReplicaException {
        ProtectionGroup group = host.find(offer.group());
        if (group != null) {
            channel.refuse(Kinds.CODE_UNUSABLE, "there is a copy already");
            return;
        }
        SyncReceiver before = syncs.remove(offer.group());
        if (before != null) {
            before.end();
        }
        SyncImages images = host.begin(offer, link.peer());
        for (GroupOffer.OfferedVolume volume : offer.volumes()) {
            images.volume(volume.id(), volume.name(), volume.sizeBytes());
        }
        SyncReceiver receiver = new SyncReceiver(offer, link.peer(), host, images, executor);
        syncs.put(offer.group(), receiver);
        receiver.start(channel.accept(CREDIT_BYTES, Unpooled.EMPTY_BUFFER, receiver));
    }

    /** As {@link dev.tidemark.replica.link.LinkUser#requested}. */
    public CompletableFuture<ByteBuf> requested(int method, ByteBuf body) {
        CompletableFuture<ByteBuf> answer = new CompletableFuture<>();
        ByteBuf kept = body.retain();
        executor.execute(() -> {
            try {
                answer.complete(answer(method, kept));
            } catch (ReplicaException | MalformedMessageException failure) {
                answer.completeExceptionally(LinkException.refusal(code(failure), text(failure)));
            } finally {
                kept.release();
            }
        });
        return answer;
    }

    private ByteBuf answer(int method, ByteBuf body)
            throws ReplicaException, MalformedMessageException {
        Bytes.require(body, SyncPeer.QUESTION_BYTES);
        SyncReceiver sync = syncs.get(Bytes.readUuid(body));
        int volume = body.readIntLE();
        long offset = body.readLongLE();
        long length = body.readLongLE();
        if (sync == null) {
            throw new ReplicaException(
                    ReplicaException.Kind.NOT_FOUND, "no synchronisation of that group runs here");
        }
        return method == Kinds.METHOD_ALLOCATION
                ? allocation(sync.images(), volume, offset, length)
                : hashes(sync.images(), volume, offset, length);
    }

    private static ByteBuf allocation(SyncImages images, int volume, long offset, long length)
            throws ReplicaException {
        ByteBuf answer = Unpooled.buffer();
        answer.writeIntLE(0);
        List<Range> ranges =
                images.allocated(volume, offset, length, SyncPeer.MAXIMUM_RANGES, Range::new);
        for (Range range : ranges) {
            answer.writeLongLE(range.offsetBytes()).writeLongLE(range.lengthBytes());
        }
        return answer.setIntLE(0, ranges.size());
    }

    private static ByteBuf hashes(SyncImages images, int volume, long offset, long length)
            throws ReplicaException, MalformedMessageException {
        if (length < 1 || length > MAXIMUM_HASHED_BYTES) {
            throw new MalformedMessageException("hashes of " + length + " bytes");
        }
        MessageDigest digest = Blocks.digest();
        ByteBuffer block = ByteBuffer.allocate(Blocks.BLOCK_BYTES);
        int count = Blocks.count(length);
        ByteBuf answer = Unpooled.buffer(count * Blocks.HASH_BYTES);
        for (int i = 0; i < count; i++) {
            block.clear().limit(Blocks.length(i, length));
            images.read(volume, offset + (long) i * Blocks.BLOCK_BYTES, block);
            digest.update(block.flip());
            answer.writeBytes(digest.digest());
        }
        return answer;
    }

    static int code(Throwable failure) {
        Throwable cause = cause(failure);
        if (cause instanceof MalformedMessageException) {
            return Kinds.CODE_MALFORMED;
        }
        return cause instanceof ReplicaException known
                        && known.kind() == ReplicaException.Kind.INVALID
                ? Kinds.CODE_UNUSABLE
                : Kinds.CODE_FAILED;
    }

    static String text(Throwable failure) {
        Throwable cause = cause(failure);
        String message = cause.getMessage();
        return message == null ? cause.toString() : message;
    }

    private static Throwable cause(Throwable failure) {
        Throwable inner = failure.getCause();
        return failure instanceof CompletionException && inner != null ? inner : failure;
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
