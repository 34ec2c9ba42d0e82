package dev.tidemark.replica.ship;

import dev.tidemark.execution.Causes;
import dev.tidemark.execution.Scheduler;
import dev.tidemark.replica.CopyTally;
import dev.tidemark.replica.HistoryMap;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Shipment;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.link.OutboundChannel;
import dev.tidemark.replica.link.OutboundHandler;
import io.netty.buffer.ByteBuf;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One channel to a copy, from the moment it is asked for until it is left, and what goes over it:
 * records, and while the copy is made or synchronised, regions of the disks in between.
 *
 * <p>Of the shipping's executor; what the link tells is handed over to that, and not heard once the
 * channel was left. The figures may be asked from any thread.
 */
final class ShippingChannel implements OutboundHandler {
    private final Means means;
    private final Link link;
    private final int purpose;
    private final GroupOffer offer;
    private final Consumer<ShippingChannel> whenOpened;
    private @Nullable OutboundChannel channel;
    private @Nullable Shipment from;
    private volatile @Nullable RecordPump records;
    private @Nullable InitialSync sync;
    private boolean left;

    /** Names change, and volumes come, without a record: each tick looks. */
    private boolean looksAtVolumes = true;

    /** What every channel to the copy works with. */
    record Means(
            ProtectionGroup group,
            CopyTally tally,
            Scheduler scheduler,
            Executor executor,
            ShippingFigures figures,
            Owner owner) {}

    /** Hears of a channel that was not left. On the shipping's executor. */
    interface Owner {
        /** There may be something to do: room, records, something read. */
        void ready();

        /** The copy says that it has everything up to a record on its disk. */
        void acknowledged(ShippingChannel channel, long sequence);

        /** The peer has refused or closed it, or the link has ended. */
        void closed(int code, String why);
    }

    private ShippingChannel(
            Means means,
            Link link,
            int purpose,
            GroupOffer offer,
            Consumer<ShippingChannel> whenOpened) {
        this.means = means;
        this.link = link;
        this.purpose = purpose;
        this.offer = offer;
        this.whenOpened = whenOpened;
    }

    /**
     * Asks for it.
     *
     * @param whenOpened runs on the executor once the peer has opened it; the owner hears it when
     *     the peer has not
     */
    static ShippingChannel open(
            Means means,
            Link link,
            int purpose,
            GroupOffer offer,
            Consumer<ShippingChannel> whenOpened) {
        ShippingChannel asked = new ShippingChannel(means, link, purpose, offer, whenOpened);
        var _ =
                link.open(purpose, offer.encode(), asked)
                        .whenCompleteAsync(asked::answered, means.executor());
        return asked;
    }

    private void answered(@Nullable OutboundChannel opened, @Nullable Throwable failure) {
        if (left) {
            if (opened != null) {
                opened.close(LinkException.CODE_NOT_NOW, "no longer wanted");
            }
        } else if (failure != null) {
            means.owner().closed(code(failure), ShippingDesk.text(failure));
        } else if (opened != null) {
            channel = opened;
            whenOpened.accept(this);
        }
    }

    private static int code(Throwable failure) {
        if (!(Causes.of(failure) instanceof LinkException refusal)) {
            return Kinds.CODE_UNUSABLE;
        }
        return refusal.kind() == LinkException.Kind.REFUSED
                ? refusal.code()
                : LinkException.CODE_NOT_NOW;
    }

    /** What the peer said when it opened it. */
    ByteBuf answer() {
        if (channel == null) {
            throw new IllegalStateException("it is not open");
        }
        return channel.openedBody();
    }

    Link link() {
        return link;
    }

    /** The tenure in which the group was offered. */
    int tenure() {
        return offer.tenure();
    }

    boolean isLeft() {
        return left;
    }

    /** Limits the channel once it is open, in bytes on the wire a second; 0 for no limit. */
    void limit(long bytesPerSecond) {
        OutboundChannel open = channel;
        if (open != null) {
            open.limit(bytesPerSecond);
        }
    }

    /**
     * Records go over it from now on; where the copy is synchronised, with the regions that {@link
     * #walk} sends.
     *
     * @param after the record that {@code held} begins after
     */
    void send(Shipment held, long after) throws ReplicaException {
        if (channel == null) {
            throw new IllegalStateException("it is not open");
        }
        RecordPump pump =
                new RecordPump(
                        means.group(),
                        held,
                        means.tally(),
                        channel,
                        offer,
                        after,
                        means.scheduler(),
                        () -> means.executor().execute(this::forceRan));
        from = held;
        records = pump;
        held.countAfter(means.tally().countedSequence());
        held.onMore(pump::woken);
        if (synchronises()) {
            pump.tellAll();
        }
    }

    /**
     * Begins with the regions of a synchronisation; once it was left, only closes what it is given.
     *
     * @param changes what the copy may lack of the volumes that it has, closed with the channel;
     *     null when that may be anything
     * @param why the copy is made or synchronised
     */
    void walk(@Nullable Map<Integer, HistoryMap> changes, String why) {
        RecordPump pump = records;
        if (left) {
            if (changes != null) {
                changes.values().forEach(HistoryMap::close);
            }
            return;
        }
        if (channel == null || from == null || pump == null) {
            throw new IllegalStateException("records are read for it");
        }
        sync =
                new InitialSync(
                        means.group(),
                        from,
                        channel,
                        pump,
                        new SyncPeer(link, means.group().id()),
                        changes,
                        why,
                        means.executor(),
                        this::more);
    }

    private void more() {
        if (!left) {
            means.owner().ready();
        }
    }

    private void forceRan() {
        RecordPump pump = records;
        if (pump != null) {
            pump.forced();
            more();
        }
    }

    /**
     * Sends what there is and may go. Blocking.
     *
     * @return false when records do not tell what comes next: the copy has to be asked again
     */
    boolean run() throws ReplicaException {
        InitialSync making = sync;
        RecordPump pump = records;
        Shipment held = from;
        if (pump == null || held == null) {
            return true;
        }
        if (making != null) {
            making.run();
            means.figures().progressed(making.progress());
            // An attempt that fails begins anew: what is on its way is not wanted again.
            held.acknowledged(pump.sentSequence());
        } else if (purpose == Kinds.PURPOSE_SHIPPING) {
            if (looksAtVolumes) {
                looksAtVolumes = false;
                pump.tellNew();
            }
            pump.run();
            return !pump.isAtImport();
        }
        return true;
    }

    /** Looks at the volumes when it next runs. */
    void lookAtVolumes() {
        looksAtVolumes = true;
    }

    /** Whether the copy was made or synchronised, when it has everything up to that record. */
    boolean isEndedBy(long acknowledged) {
        InitialSync making = sync;
        RecordPump pump = records;
        return making != null
                && pump != null
                && making.isEnded()
                && acknowledged >= pump.sentSequence();
    }

    /** Whether the copy gets records only, and has all that there are. */
    boolean isCopyEven() {
        RecordPump pump = shipped();
        Shipment held = from;
        return pump != null && held != null && pump.acknowledgedSequence() == held.lastSequence();
    }

    /**
     * Whether the copy is made or synchronised over it: it has nothing of that until its end. From
     * any thread.
     */
    boolean synchronises() {
        return records != null && purpose != Kinds.PURPOSE_SHIPPING;
    }

    /** The records that go to a copy that gets nothing else; null when none do. From any thread. */
    @Nullable RecordPump shipped() {
        return purpose == Kinds.PURPOSE_SHIPPING ? records : null;
    }

    /** Closes it, if the peer has not, and gives back what was not sent. */
    void leave(String why) {
        left = true;
        OutboundChannel open = channel;
        channel = null;
        if (open != null) {
            open.close(LinkException.CODE_NOT_NOW, why);
        }
        InitialSync making = sync;
        sync = null;
        if (making != null) {
            means.figures().progressed(making.progress());
            making.close();
        }
        RecordPump shipped = shipped();
        if (shipped != null) {
            means.figures().ended(shipped);
        }
        RecordPump pump = records;
        if (pump != null) {
            pump.close();
        }
    }

    private void later(Runnable step) {
        means.executor()
                .execute(() -> {
                    if (!left) {
                        step.run();
                    }
                });
    }

    @Override
    public void ready() {
        later(means.owner()::ready);
    }

    @Override
    public void acknowledged(ByteBuf body) {
        if (body.readableBytes() >= 8) {
            long sequence = body.readLongLE();
            boolean folds = body.isReadable() && body.readByte() == 1;
            later(() -> {
                RecordPump pump = records;
                if (pump != null) {
                    pump.acknowledged(sequence, folds);
                    means.owner().acknowledged(this, sequence);
                }
            });
        }
    }

    @Override
    public void message(int kind, ByteBuf body) {
        // The copy says nothing but what it has.
    }

    @Override
    public void closed(int code, String why) {
        later(() -> {
            channel = null;
            means.owner().closed(code, why);
        });
    }
}
