package dev.tidemark.replica.ship;

import dev.tidemark.execution.Causes;
import dev.tidemark.execution.Scheduler;
import dev.tidemark.replica.CopyTally;
import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.HistoryMap;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.Shipment;
import dev.tidemark.replica.StreamPosition;
import dev.tidemark.replica.VolumeInfo;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.link.OutboundChannel;
import dev.tidemark.replica.link.OutboundHandler;
import dev.tidemark.replica.ship.GroupOffer.OfferedVolume;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps one peer's copy of one active group: asks where it stands when a link comes up, makes it
 * when there is none, then ships what is written, and begins anew with the next link.
 *
 * <p>All of its state is of one serial executor, where the disk may be waited for; methods may be
 * called from any thread.
 */
public final class GroupShipping implements AutoCloseable {
    private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final int SOON_TICKS = 1;

    /** After a failure of the peer's disk. */
    private static final int LATER_TICKS = 10;

    private final ProtectionGroup group;
    private final Terms terms;
    private final UUID peer;
    private final CopyTally tally;
    private final Scheduler scheduler;
    private final ShippingListener listener;
    private final Executor executor;
    private final Awaited awaited = new Awaited();

    private volatile ShippingState state = ShippingState.WAITING;
    private volatile String reason = "there is no link to the peer";
    private volatile SyncProgress progress = SyncProgress.NONE;
    private volatile String trigger = "";
    private volatile @Nullable Shipment shipment;
    private volatile @Nullable RecordPump pump;

    // Of the executor.
    private @Nullable Link link;
    private @Nullable OutboundChannel channel;
    private @Nullable InitialSync sync;

    /** The channel is one of a synchronisation: the copy has nothing of it until its end. */
    private volatile boolean syncing;

    private int generation;
    private long limit;

    /** Why the copy has to be synchronised when it is next asked; null when it need not be. */
    private @Nullable String outgrown;

    private boolean paused;
    private boolean closed;

    /** Ticks until it is tried again although the link is the same; -1: it is not. */
    private int retryTicks = -1;

    private volatile long lastSent;
    private volatile long lastAcknowledged;

    /** Names change, and volumes come, without a record: each tick looks. */
    private boolean looksAtVolumes;

    /** The tenure in which a channel was open last; -1 before that. */
    private int offeredTenure = -1;

    /** When the copy last had everything, wall clock. */
    private volatile long evenMicros;

    /**
     * @param group the active group
     * @param terms what was agreed
     * @param known the newest record the copy is known to have; redo after it is kept from now on,
     *     if it is there
     */
    public GroupShipping(
            ProtectionGroup group,
            Terms terms,
            UUID peer,
            long known,
            Scheduler scheduler,
            ShippingListener listener) {
        this.group = group;
        this.terms = terms;
        this.peer = peer;
        this.tally = group.tally();
        this.scheduler = scheduler;
        this.listener = listener;
        this.executor = scheduler.newSerial("shipping " + group.id());
        this.evenMicros = scheduler.wallClockMicros();
        this.lastAcknowledged = known;
        this.lastSent = known;
        group.copyHas(peer, known);
        executor.execute(() -> hold(known));
        scheduler.schedule(TICK_NANOS, this::tick);
    }

    /**
     * What a group is shipped on.
     *
     * @param name of the group, as the peer is told it
     * @param unitBytes storage unit of its journal
     * @param backlogBytes redo kept for the peer at most: when it needs more, the copy has to be
     *     synchronised
     */
    public record Terms(String name, int unitBytes, long backlogBytes) {}

    private void hold(long known) {
        try {
            shipment = group.ship(known);
        } catch (ReplicaException gone) {
            // The copy may know of more, or has to be made anew: that is seen when it is asked.
        }
        group.copyIsShipped(peer);
    }

    public UUID peer() {
        return peer;
    }

    /** There is a link to the peer. */
    public void up(Link now) {
        executor.execute(() -> {
            link = now;
            begin();
        });
    }

    /** A link has ended; nothing happens when another one has come up since. */
    public void down(Link ended, String why) {
        executor.execute(() -> {
            if (!ended.equals(link)) {
                return;
            }
            link = null;
            if (!closed && state != ShippingState.STOPPED && state != ShippingState.FENCED) {
                leaveChannel(why);
                enter(paused ? ShippingState.PAUSED : ShippingState.WAITING, why);
            }
        });
    }

    /** Limits what goes to the copy, in bytes on the wire a second; 0 for no limit. At once. */
    public void limit(long bytesPerSecond) {
        executor.execute(() -> {
            limit = bytesPerSecond;
            OutboundChannel open = channel;
            if (open != null) {
                open.limit(bytesPerSecond);
            }
        });
    }

    /** Stops sending; redo that the copy lacks is kept. */
    public void pause() {
        executor.execute(() -> {
            paused = true;
            leaveChannel("paused");
            enter(ShippingState.PAUSED, "paused by an administrator");
        });
    }

    /** Goes on after {@link #pause}, or tries again after {@link ShippingState#STOPPED}. */
    public void resume() {
        executor.execute(() -> {
            paused = false;
            begin();
        });
    }

    private void begin() {
        retryTicks = -1;
        Link current = link;
        if (closed || paused || current == null) {
            return;
        }
        leaveChannel("a new beginning");
        open(current, Kinds.PURPOSE_SHIPPING, null);
    }

    /**
     * Whether the group is this site's to offer: while it is active, and while it is on its way
     * out, in the tenure in which it was offered before. The tenure that it is fenced in, or a copy
     * in, is another site's, which a copy must not learn from here.
     */
    private boolean mayOffer(Role role) {
        return role.state() == GroupRole.ACTIVE
                || (role.state() == GroupRole.FENCED && role.tenure() == offeredTenure);
    }

    /** Where a copy stands that has to be synchronised. */
    private record Stale(StreamPosition position, long floorMicros) {}

    private GroupOffer offer(Role role) throws ReplicaException {
        Role.Takeover how = role.takeover();
        List<OfferedVolume> volumes = new ArrayList<>();
        for (VolumeInfo each : group.volumes()) {
            long size =
                    how == null
                            ? group.firstSizeBytes(each.id())
                            : group.sizeBytesAt(each.id(), how.lastLocal());
            volumes.add(new OfferedVolume(each.id(), size, each.name()));
        }
        return new GroupOffer(
                group.id(),
                role.tenure(),
                terms.unitBytes(),
                role.succession(),
                terms.name(),
                volumes);
    }

    private void open(Link current, int purpose, @Nullable Stale stale) {
        int mine = ++generation;
        Role role = group.role();
        if (!mayOffer(role)) {
            fenced("another site has the group, in tenure " + role.tenure());
            return;
        }
        GroupOffer offer;
        try {
            offer = offer(role);
        } catch (ReplicaException failure) {
            stop(failure);
            return;
        }
        enter(ShippingState.OPENING, "");
        var _ =
                current.open(purpose, offer.encode(), new Handler(mine))
                        .whenCompleteAsync(
                                (opened, failure) -> {
                                    if (mine != generation || closed) {
                                        if (opened != null) {
                                            opened.close(
                                                    LinkException.CODE_NOT_NOW, "no longer wanted");
                                        }
                                    } else if (failure != null) {
                                        refused(failure);
                                    } else {
                                        channel = opened;
                                        offeredTenure = offer.tenure();
                                        opened.limit(limit);
                                        opened(current, purpose, stale, offer, opened);
                                    }
                                },
                                executor);
    }

    private void refused(Throwable failure) {
        Throwable cause = Causes.of(failure);
        if (cause instanceof LinkException refusal) {
            ended(
                    refusal.kind() == LinkException.Kind.REFUSED
                            ? refusal.code()
                            : LinkException.CODE_NOT_NOW,
                    text(cause));
        } else {
            enter(ShippingState.STOPPED, text(cause));
        }
    }

    /** The peer has closed or refused a channel, or the link has ended. */
    private void ended(int code, String why) {
        switch (code) {
            case Kinds.CODE_FENCED -> fenced(why);
            case LinkException.CODE_LINK_DOWN -> {
                leaveChannel(why);
                enter(ShippingState.WAITING, why);
            }
            case LinkException.CODE_NOT_NOW -> again(why, SOON_TICKS);
            case Kinds.CODE_FAILED -> again(why, LATER_TICKS);
            case Kinds.CODE_TENURE -> {
                again(why, SOON_TICKS);
                listener.behind(group.id(), peer);
            }
            default -> {
                leave();
                enter(ShippingState.STOPPED, why);
            }
        }
    }

    /** Tries again by itself; what the copy lacks is held. */
    private void again(String why, int ticks) {
        leaveChannel(why);
        retryTicks = ticks;
        enter(ShippingState.WAITING, why);
    }

    /** What the copy lacks stays held: the group may be given back. */
    private void fenced(String why) {
        leaveChannel(why);
        enter(ShippingState.FENCED, why);
        listener.fenced(group.id(), peer, why);
    }

    private void opened(
            Link current,
            int purpose,
            @Nullable Stale stale,
            GroupOffer offer,
            OutboundChannel opened) {
        try {
            if (stale != null) {
                startDelta(current, stale, offer, opened);
            } else if (purpose == Kinds.PURPOSE_INITIAL_SYNC) {
                startSync(current, null, opened, startRecords(offer, opened));
            } else {
                startShipping(current, offer, opened);
            }
            run();
        } catch (ReplicaException | MalformedMessageException failure) {
            stop(failure);
        }
    }

    private void startShipping(Link current, GroupOffer offer, OutboundChannel opened)
            throws ReplicaException, MalformedMessageException {
        ByteBuf body = opened.openedBody();
        Bytes.require(body, 1);
        byte answer = body.readByte();
        if (answer == Kinds.OPENED_UNKNOWN) {
            opened.close(LinkException.CODE_NOT_NOW, "the copy is made first");
            channel = null;
            trigger = "new";
            open(current, Kinds.PURPOSE_INITIAL_SYNC, null);
            return;
        }
        Bytes.require(body, 28);
        StreamPosition copy =
                new StreamPosition(body.readLongLE(), body.readLongLE(), body.readIntLE());
        Stale stale = new Stale(copy, body.readLongLE());
        if (answer < Kinds.OPENED_POSITION
                || answer > Kinds.OPENED_HALF
                || (copy.sequence() < 0 && copy.sequence() != -1)
                || copy.timeMicros() < 0
                || copy.epoch() < 0
                || stale.floorMicros() < 0) {
            throw new MalformedMessageException("answer " + answer + " with " + copy);
        }
        String broken =
                answer == Kinds.OPENED_HALF ? whyHalf(copy) : whyNotFrom(copy, stale.floorMicros());
        Shipment from = shipment;
        if (broken != null || from == null) {
            opened.close(LinkException.CODE_NOT_NOW, "the copy is synchronised first");
            channel = null;
            trigger = outgrown == null ? String.valueOf(broken) : outgrown;
            open(current, Kinds.PURPOSE_DELTA_SYNC, stale);
            return;
        }
        if (outgrown != null) {
            // The copy had more than was known here: its records are still there.
            outgrown = null;
            trigger = "";
        }
        group.copyHas(peer, copy.sequence());
        // What was on its way when the last link ended may be there: it comes no more.
        tally.gotUpTo(copy.sequence());
        start(from, offer, opened, copy.sequence());
        enter(ShippingState.SHIPPING, "");
    }

    private static String whyHalf(StreamPosition copy) {
        return copy.isKnown()
                ? "the copy was half synchronised"
                : "no record is known that the copy and this site both have";
    }

    /**
     * Begins to keep what comes after the copy's last record.
     *
     * @return why the records after it cannot be shipped; null when they can
     */
    private @Nullable String whyNotFrom(StreamPosition copy, long floorMicros)
            throws ReplicaException {
        if (copy.sequence() > group.status().headSequence()) {
            return "the copy's last record is not this site's: its number is "
                    + copy.sequence()
                    + ", the newest here is "
                    + group.status().headSequence();
        }
        Shipment held;
        try {
            held = replaceHold(copy.sequence());
        } catch (ReplicaException failure) {
            if (failure.kind() == ReplicaException.Kind.OUTSIDE_WINDOW) {
                return "history does not reach back: " + text(failure);
            }
            throw failure;
        }
        StreamPosition own = held.begin();
        if (!own.isSameAs(copy, floorMicros)) {
            return "the copy's last record is not this site's: it says "
                    + copy
                    + ", here it is "
                    + own;
        }
        if (held.backlogBytes() > terms.backlogBytes()) {
            return giveUp(held);
        }
        return group.importedBetween(copy.sequence(), group.status().headSequence())
                .map(name -> "volume " + name + " was imported after the copy's last record")
                .orElse(null);
    }

    /** Records go on from here; regions of the disks come before them. */
    private RecordPump startRecords(GroupOffer offer, OutboundChannel opened)
            throws ReplicaException {
        long sequence = group.status().headSequence();
        Shipment from = replaceHold(sequence);
        // The disks are read from now on: writes that are not there yet come with them.
        tally.leaveOut();
        RecordPump records = start(from, offer, opened, sequence);
        records.tellAll();
        return records;
    }

    private void startDelta(Link current, Stale stale, GroupOffer offer, OutboundChannel opened)
            throws ReplicaException {
        RecordPump records = startRecords(offer, opened);
        outgrown = null;
        syncing = true;
        enter(ShippingState.SYNCING, "");
        int mine = generation;
        var _ =
                group.changedSince(peer, stale.position(), stale.floorMicros())
                        .whenCompleteAsync(
                                (changes, failure) -> {
                                    if (mine != generation || closed) {
                                        if (failure == null) {
                                            changes.ifPresent(GroupShipping::closeAll);
                                        }
                                    } else if (failure != null) {
                                        again(text(failure), LATER_TICKS);
                                    } else {
                                        startSync(current, changes.orElse(null), opened, records);
                                        runSafely();
                                    }
                                },
                                executor);
    }

    private static void closeAll(Map<Integer, HistoryMap> changes) {
        changes.values().forEach(HistoryMap::close);
    }

    private void startSync(
            Link current,
            @Nullable Map<Integer, HistoryMap> changes,
            OutboundChannel opened,
            RecordPump records) {
        Shipment from = shipment;
        if (from == null) {
            throw new IllegalStateException("records are read for it");
        }
        syncing = true;
        sync =
                new InitialSync(
                        group,
                        from,
                        opened,
                        records,
                        new SyncPeer(current, group.id()),
                        changes,
                        trigger,
                        executor,
                        this::runSafely);
        enter(
                ShippingState.SYNCING,
                changes == null
                        ? "history does not tell what the copy lacks: everything is compared"
                        : "");
    }

    /** The new hold is there before the old one goes. */
    private Shipment replaceHold(long sequence) throws ReplicaException {
        Shipment from = group.ship(sequence);
        Shipment before = shipment;
        shipment = from;
        if (before != null) {
            before.close();
        }
        return from;
    }

    private RecordPump start(
            Shipment from, GroupOffer offer, OutboundChannel opened, long sequence) {
        RecordPump records =
                new RecordPump(
                        group,
                        from,
                        tally,
                        opened,
                        offer,
                        sequence,
                        scheduler,
                        () -> executor.execute(this::forceRan));
        pump = records;
        from.countAfter(tally.countedSequence());
        from.onMore(records::woken);
        return records;
    }

    private void forceRan() {
        RecordPump records = pump;
        if (records != null) {
            records.forced();
            runSafely();
        }
    }

    private void runSafely() {
        if (loseHeld()) {
            return;
        }
        try {
            run();
        } catch (ReplicaException failure) {
            if (loseHeld()) {
                return;
            }
            if (syncing) {
                again(text(failure), LATER_TICKS);
            } else {
                stop(failure);
            }
        }
    }

    private void run() throws ReplicaException {
        InitialSync making = sync;
        RecordPump records = pump;
        if (making != null) {
            making.run();
            progress = making.progress();
            Shipment from = shipment;
            if (from != null && records != null) {
                // An attempt that fails begins anew: what is on its way is not wanted again.
                from.acknowledged(records.sentSequence());
            }
        } else if (records != null && channel != null && !syncing) {
            if (looksAtVolumes) {
                looksAtVolumes = false;
                records.tellNew();
            }
            records.run();
            if (records.isAtImport()) {
                begin();
            }
        }
    }

    private void tick() {
        executor.execute(() -> {
            if (!closed) {
                checkBacklog();
                if (retryTicks > 0 && --retryTicks == 0) {
                    begin();
                }
                looksAtVolumes = true;
                runSafely();
                tellAwaited();
                noteEven();
                scheduler.schedule(TICK_NANOS, this::tick);
            }
        });
    }

    private void noteEven() {
        RecordPump records = pump;
        Shipment held = shipment;
        if (records != null
                && held != null
                && !syncing
                && records.acknowledgedSequence() == held.lastSequence()) {
            evenMicros = scheduler.wallClockMicros();
        }
    }

    private void checkBacklog() {
        Shipment held = shipment;
        if (held == null || held.backlogBytes() <= terms.backlogBytes()) {
            return;
        }
        synchroniseNext(giveUp(held));
    }

    /** Whether the journals' space was full, and what was held for the copy was given up. */
    private boolean loseHeld() {
        Shipment held = shipment;
        if (held == null || !held.isGivenUp()) {
            return false;
        }
        synchroniseNext(
                giveUp(
                        held,
                        "the journals' space was full, and redo that the copy has not got was"
                                + " given up: the copy has to be synchronised"));
        return true;
    }

    private void synchroniseNext(String why) {
        leaveChannel(why);
        if (paused || state == ShippingState.FENCED) {
            enter(state, state == ShippingState.FENCED ? reason : why);
        } else if (link == null) {
            enter(ShippingState.WAITING, why);
        } else {
            begin();
        }
    }

    /** Redo is kept for the copy no longer: it has to be synchronised. */
    private String giveUp(Shipment held) {
        return giveUp(
                held,
                "the backlog of "
                        + held.backlogBytes()
                        + " bytes outgrew its limit of "
                        + terms.backlogBytes()
                        + ": the copy has to be synchronised");
    }

    private String giveUp(Shipment held, String why) {
        outgrown = why;
        trigger = why;
        shipment = null;
        held.close();
        return why;
    }

    private void stop(Exception failure) {
        leave();
        boolean malformed = failure instanceof MalformedMessageException;
        enter(
                ShippingState.STOPPED,
                (malformed ? "the other site answered what makes no sense: " : "") + text(failure));
    }

    private static String text(Throwable failure) {
        String message = failure.getMessage();
        return message == null ? failure.toString() : message;
    }

    private void enter(ShippingState next, String why) {
        boolean changed = state != next || !reason.equals(why);
        state = next;
        reason = why;
        if (changed) {
            listener.changed(group.id(), peer, next, why);
        }
    }

    /** Gives back channel, records and hold. */
    private void leave() {
        leaveChannel("a new beginning");
        Shipment held = shipment;
        shipment = null;
        if (held != null) {
            held.close();
        }
    }

    private void leaveChannel(String why) {
        generation++;
        OutboundChannel open = channel;
        channel = null;
        if (open != null) {
            open.close(LinkException.CODE_NOT_NOW, why);
        }
        InitialSync making = sync;
        sync = null;
        if (making != null) {
            progress = making.progress();
            making.close();
        }
        RecordPump records = pump;
        pump = null;
        if (records != null) {
            if (!syncing) {
                lastSent = records.sentSequence();
                lastAcknowledged = records.acknowledgedSequence();
            }
            records.close();
        }
        syncing = false;
    }

    /** The channel's end at this side; a handler of an earlier channel is not heard. */
    private final class Handler implements OutboundHandler {
        private final int mine;

        Handler(int mine) {
            this.mine = mine;
        }

        private void later(Runnable step) {
            executor.execute(() -> {
                if (mine == generation) {
                    step.run();
                }
            });
        }

        @Override
        public void ready() {
            later(GroupShipping.this::runSafely);
        }

        @Override
        public void acknowledged(ByteBuf body) {
            if (body.readableBytes() >= 8) {
                long sequence = body.readLongLE();
                boolean folds = body.isReadable() && body.readByte() == 1;
                later(() -> taken(sequence, folds));
            }
        }

        @Override
        public void message(int kind, ByteBuf body) {
            // The copy says nothing but what it has.
        }

        @Override
        public void closed(int code, String why) {
            later(() -> channelClosed(code, why));
        }
    }

    private void taken(long sequence, boolean folds) {
        RecordPump records = pump;
        if (records == null) {
            return;
        }
        records.acknowledged(sequence, folds);
        tellAwaited();
        if (!syncing) {
            group.copyHas(peer, records.acknowledgedSequence());
        }
        noteEven();
        InitialSync making = sync;
        if (making != null && making.isEnded() && sequence >= records.sentSequence()) {
            // The copy is there now; records go on over a channel of their own.
            lastAcknowledged = Math.max(lastAcknowledged, sequence);
            group.copyHas(peer, sequence);
            begin();
        }
    }

    /** A copy may have said where it stands, rather than acknowledge: each tick looks as well. */
    private void tellAwaited() {
        if (!awaited.isEmpty()) {
            awaited.reached(status().acknowledgedSequence());
        }
    }

    /**
     * Completes when the copy is known to have a record on its disk. From any thread; who gives up
     * cancels it.
     */
    public CompletableFuture<Void> acknowledgement(long sequence) {
        CompletableFuture<Void> reached = awaited.until(sequence);
        executor.execute(this::tellAwaited);
        return reached;
    }

    private void channelClosed(int code, String why) {
        channel = null;
        ended(code, why);
    }

    /** How what the copy lacks is known. From any thread. */
    public ShippingMode mode() {
        ShippingState now = state;
        if (syncing && trigger.equals("new")) {
            return ShippingMode.FIRST_COPY;
        }
        if (syncing || shipment == null) {
            return ShippingMode.DIRTY_MAP;
        }
        return now == ShippingState.SHIPPING ? ShippingMode.SHIPPING : ShippingMode.HELD_BACKLOG;
    }

    /** From any thread. */
    public ShippingStatus status() {
        Shipment held = shipment;
        RecordPump records = syncing ? null : pump;
        long backlog = held == null ? 0 : held.backlogBytes();
        long since = evenMicros;
        if (records != null && state == ShippingState.SHIPPING) {
            since = records.oldestUnacknowledgedMicros(group.status().headSequence());
        } else if (held != null && backlog == 0 && !syncing) {
            since = 0;
        }
        return new ShippingStatus(
                state,
                reason,
                records == null ? lastSent : records.sentSequence(),
                records == null ? lastAcknowledged : records.acknowledgedSequence(),
                backlog,
                since == 0 ? 0 : Math.max(0, scheduler.wallClockMicros() - since),
                records == null || state != ShippingState.SHIPPING
                        ? ShippingStage.NONE
                        : records.stage(group.status().headSequence()),
                progress,
                tally.counters(),
                trigger);
    }

    /** The peer's copy is not kept up any more: nothing is known of it from here on. */
    public void end() {
        close();
        executor.execute(() -> group.forgetCopy(peer));
    }

    /** Stops; what the copy is known to lack stays known. */
    @Override
    public void close() {
        executor.execute(() -> {
            closed = true;
            leave();
        });
    }
}
