package dev.tidemark.replica.ship;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.replica.CopyTally;
import dev.tidemark.replica.HistoryMap;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.Shipment;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkException;
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
    private final UUID peer;
    private final CopyTally tally;
    private final Scheduler scheduler;
    private final ShippingListener listener;
    private final Executor executor;
    private final Awaited awaited = new Awaited();
    private final HeldRedo held;
    private final Offering offering;
    private final ShippingFigures figures;
    private final ShippingChannel.Means means;

    private volatile ShippingState state = ShippingState.WAITING;
    private volatile String reason = "there is no link to the peer";
    private volatile @Nullable ShippingChannel channel;

    // Of the executor.
    private @Nullable Link link;
    private long limit;
    private boolean paused;
    private boolean closed;

    /** Ticks until it is tried again although the link is the same; -1: it is not. */
    private int retryTicks = -1;

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
        this.peer = peer;
        this.tally = group.tally();
        this.scheduler = scheduler;
        this.listener = listener;
        this.executor = scheduler.newSerial("shipping " + group.id());
        this.held = new HeldRedo(group, terms.backlogBytes());
        this.offering = new Offering(group, terms);
        this.figures = new ShippingFigures(group, tally, scheduler, known);
        this.means =
                new ShippingChannel.Means(
                        group, tally, scheduler, executor, figures, new Hearing());
        group.copyHas(peer, known);
        executor.execute(() -> {
            held.begin(known);
            group.copyIsShipped(peer);
        });
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
            ShippingChannel open = channel;
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
        open(current, Kinds.PURPOSE_SHIPPING, this::startShipping);
    }

    /** What begins on a channel that was opened. */
    private interface Beginning {
        void on(ShippingChannel opened) throws ReplicaException, MalformedMessageException;
    }

    private void open(Link current, int purpose, Beginning beginning) {
        Role role = group.role();
        int tenure = offering.tenure(role, purpose);
        if (tenure == Offering.NONE) {
            fenced("another site has the group, in tenure " + role.tenure());
            return;
        }
        GroupOffer offer;
        try {
            offer = offering.offer(role, tenure);
        } catch (ReplicaException failure) {
            stop(failure);
            return;
        }
        enter(ShippingState.OPENING, "");
        channel =
                ShippingChannel.open(
                        means, current, purpose, offer, opened -> opened(opened, beginning));
    }

    private void opened(ShippingChannel opened, Beginning beginning) {
        offering.opened(opened.tenure());
        opened.limit(limit);
        try {
            beginning.on(opened);
            run();
        } catch (ReplicaException | MalformedMessageException failure) {
            stop(failure);
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

    private void startShipping(ShippingChannel opened)
            throws ReplicaException, MalformedMessageException {
        CopyStanding copy = CopyStanding.decode(opened.answer());
        if (copy == null) {
            held.copyIsNew();
            opened.leave("the copy is made first");
            open(opened.link(), Kinds.PURPOSE_INITIAL_SYNC, this::startInitial);
            return;
        }
        Shipment from = held.holdAfter(copy);
        if (from == null) {
            opened.leave("the copy is synchronised first");
            open(opened.link(), Kinds.PURPOSE_DELTA_SYNC, next -> startDelta(next, copy));
            return;
        }
        long has = copy.position().sequence();
        group.copyHas(peer, has);
        // What was on its way when the last link ended may be there: it comes no more.
        tally.gotUpTo(has);
        opened.send(from, has);
        enter(ShippingState.SHIPPING, "");
    }

    private void startInitial(ShippingChannel opened) throws ReplicaException {
        sendForRegions(opened);
        walk(opened, null);
    }

    private void startDelta(ShippingChannel opened, CopyStanding copy) throws ReplicaException {
        sendForRegions(opened);
        held.synchronising();
        enter(ShippingState.SYNCING, "");
        var _ =
                group.changedSince(peer, copy.position(), copy.floorMicros())
                        .whenCompleteAsync(
                                (changes, failure) -> {
                                    if (failure == null) {
                                        walk(opened, changes.orElse(null));
                                        runSafely();
                                    } else if (!opened.isLeft()) {
                                        again(ShippingDesk.text(failure), LATER_TICKS);
                                    }
                                },
                                executor);
    }

    /** Records go on from here; regions of the disks come before them. */
    private void sendForRegions(ShippingChannel opened) throws ReplicaException {
        long newest = group.status().headSequence();
        Shipment from = held.holdAfter(newest);
        // The disks are read from now on: writes that are not there yet come with them.
        tally.leaveOut();
        opened.send(from, newest);
    }

    private void walk(ShippingChannel opened, @Nullable Map<Integer, HistoryMap> changes) {
        opened.walk(changes, held.trigger());
        if (opened.isLeft()) {
            return;
        }
        enter(
                ShippingState.SYNCING,
                changes == null
                        ? "history does not tell what the copy lacks: everything is compared"
                        : "");
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
            ShippingChannel open = channel;
            if (open != null && open.synchronises()) {
                again(ShippingDesk.text(failure), LATER_TICKS);
            } else {
                stop(failure);
            }
        }
    }

    private void run() throws ReplicaException {
        ShippingChannel open = channel;
        if (open != null && !open.run()) {
            begin();
        }
    }

    private void tick() {
        executor.execute(() -> {
            if (!closed) {
                if (held.giveUpBeyondLimit()) {
                    synchroniseNext();
                }
                if (retryTicks > 0 && --retryTicks == 0) {
                    begin();
                }
                ShippingChannel open = channel;
                if (open != null) {
                    open.lookAtVolumes();
                }
                runSafely();
                tellAwaited();
                noteEven();
                scheduler.schedule(TICK_NANOS, this::tick);
            }
        });
    }

    private void noteEven() {
        ShippingChannel open = channel;
        if (open != null && open.isCopyEven()) {
            figures.even();
        }
    }

    private boolean loseHeld() {
        boolean lost = held.giveUpLost();
        if (lost) {
            synchroniseNext();
        }
        return lost;
    }

    /** Redo is held for the copy no longer. */
    private void synchroniseNext() {
        String why = held.trigger();
        leaveChannel(why);
        if (paused || state == ShippingState.FENCED) {
            enter(state, state == ShippingState.FENCED ? reason : why);
        } else if (link == null) {
            enter(ShippingState.WAITING, why);
        } else {
            begin();
        }
    }

    private void stop(Exception failure) {
        leave();
        boolean malformed = failure instanceof MalformedMessageException;
        enter(
                ShippingState.STOPPED,
                (malformed ? "the other site answered what makes no sense: " : "")
                        + ShippingDesk.text(failure));
    }

    private void enter(ShippingState next, String why) {
        boolean changed = state != next || !reason.equals(why);
        state = next;
        reason = why;
        if (changed) {
            listener.changed(group.id(), peer, next, why);
        }
    }

    /** Gives back channel, records and what is held. */
    private void leave() {
        leaveChannel("a new beginning");
        held.close();
    }

    private void leaveChannel(String why) {
        ShippingChannel open = channel;
        if (open != null) {
            open.leave(why);
        }
        channel = null;
    }

    /** What comes of the channel that is open, or was asked for. */
    private final class Hearing implements ShippingChannel.Owner {
        @Override
        public void ready() {
            runSafely();
        }

        @Override
        public void acknowledged(ShippingChannel from, long sequence) {
            taken(from, sequence);
        }

        @Override
        public void closed(int code, String why) {
            ended(code, why);
        }
    }

    private void taken(ShippingChannel by, long sequence) {
        tellAwaited();
        RecordPump records = by.shipped();
        if (records != null) {
            group.copyHas(peer, records.acknowledgedSequence());
        }
        noteEven();
        if (by.isEndedBy(sequence)) {
            // The copy is there now; records go on over a channel of their own.
            figures.synchronised(sequence);
            group.copyHas(peer, sequence);
            begin();
        }
    }

    /** A copy may have said where it stands, rather than acknowledge: each tick looks as well. */
    private void tellAwaited() {
        if (!awaited.isEmpty()) {
            awaited.reached(figures.acknowledgedSequence(channel));
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

    /** How what the copy lacks is known. From any thread. */
    public ShippingMode mode() {
        return figures.mode(state, held, channel);
    }

    /** From any thread. */
    public ShippingStatus status() {
        return figures.status(state, reason, held, channel);
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
