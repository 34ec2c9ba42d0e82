package dev.tidemark.replica.ship;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.replica.CopyTally;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Shipment;
import dev.tidemark.replica.ShippedRecords;
import dev.tidemark.replica.VolumeInfo;
import dev.tidemark.replica.link.OutboundChannel;
import dev.tidemark.replica.ship.GroupOffer.OfferedVolume;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Puts a group's durable records into a channel, in order, as far as the peer has room, and tells
 * of volumes before their first record. On the shipping's executor, but for the figures.
 */
final class RecordPump {
    private static final int BATCH_BYTES = 1 << 20;

    /** How long a record may wait for a force that a host's flush did not bring. */
    private static final long FORCE_AFTER_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    /** What the channel has no room for yet. */
    private record Waiting(int kind, ByteBuf body) {}

    /** A batch on its way: what it ends at, when its first record was written, what counts. */
    private record Sent(long lastSequence, long firstTimeMicros, long writes, long writeBytes) {}

    private final ProtectionGroup group;
    private final Shipment shipment;
    private final CopyTally tally;
    private final OutboundChannel channel;
    private final Scheduler scheduler;
    private final Runnable again;
    private final Map<Integer, String> known = new HashMap<>();
    private final Deque<Sent> sent = new ArrayDeque<>();
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private volatile long sentSequence;
    private volatile long acknowledgedSequence;
    private volatile long oldestMicros;

    /** The copy has said that it takes no more until its fold has caught up. */
    private volatile boolean copyFolds;

    /** When the log was last read, or the first record came after a rest. */
    private volatile long wokenMicros;

    private boolean forceArmed;
    private boolean copyIsMade;
    private boolean atImport;

    /** Nothing was left when it last ran: the next record wakes it. */
    private final AtomicBoolean idle = new AtomicBoolean();

    /**
     * @param from the copy's last sequence number
     * @param again runs the pump again, on the shipping's executor
     */
    RecordPump(
            ProtectionGroup group,
            Shipment shipment,
            CopyTally tally,
            OutboundChannel channel,
            GroupOffer offered,
            long from,
            Scheduler scheduler,
            Runnable again) {
        this.group = group;
        this.shipment = shipment;
        this.tally = tally;
        this.channel = channel;
        this.scheduler = scheduler;
        this.again = again;
        this.sentSequence = from;
        this.acknowledgedSequence = from;
        offered.volumes().forEach(volume -> known.put(volume.id(), volume.name()));
    }

    /** Sends what there is and may go. Blocking. */
    void run() throws ReplicaException {
        while (channel.credit() > 0) {
            Waiting first = waiting.poll();
            if (first != null) {
                channel.send(first.kind(), first.body());
            } else if (!take()) {
                break;
            }
        }
        if (!isEven()) {
            armForce();
            return;
        }
        idle.set(true);
        if (!isEven() && idle.compareAndSet(true, false)) {
            armForce();
        }
    }

    /** A record was appended. On any thread, cheap. */
    void woken() {
        if (idle.get() && idle.compareAndSet(true, false)) {
            wokenMicros = scheduler.wallClockMicros();
            again.run();
        }
    }

    /** Records do not tell what comes next: the copy has to be synchronised. */
    boolean isAtImport() {
        return atImport;
    }

    private boolean take() throws ReplicaException {
        // What is not read now is younger than this, but for what was not forced yet.
        wokenMicros = scheduler.wallClockMicros();
        ShippedRecords batch = shipment.next(BATCH_BYTES);
        if (batch == null) {
            return false;
        }
        long last = batch.firstSequence() + batch.count() - 1;
        if (!copyIsMade && group.importedBetween(sentSequence, last).isPresent()) {
            batch.body().release();
            atImport = true;
            return false;
        }
        // Only now: a volume whose records are in the batch is in the list.
        tellVolumes(copyIsMade);
        sent.add(new Sent(last, batch.firstTimeMicros(), batch.writes(), batch.writeBytes()));
        sentSequence = last;
        oldestMicros = sent.element().firstTimeMicros();
        waiting.add(new Waiting(Kinds.DATA_RECORDS, batch.body()));
        return true;
    }

    /** Whether everything up to what the log holds now has been given to the channel. */
    boolean isEven() {
        return waiting.isEmpty() && shipment.lastSequence() == sentSequence;
    }

    /** Gives back what was not sent. */
    void close() {
        waiting.forEach(one -> one.body().release());
        waiting.clear();
    }

    private void armForce() {
        if (!forceArmed) {
            forceArmed = true;
            scheduler.schedule(FORCE_AFTER_NANOS, () -> shipment.force(again));
        }
    }

    /** The timer of {@link #armForce} has run. */
    void forced() {
        forceArmed = false;
    }

    /** Tells of volumes that have no records yet. */
    void tellNew() throws ReplicaException {
        tellVolumes(copyIsMade);
    }

    /** Tells of every volume with the size it has now: for a copy that is made. */
    void tellAll() throws ReplicaException {
        copyIsMade = true;
        known.clear();
        tellVolumes(true);
    }

    /**
     * Tells what has changed. A volume that is new to a copy's feed has its first size there: its
     * RESIZE records come as they were written.
     */
    private void tellVolumes(boolean sizesNow) throws ReplicaException {
        Map<Integer, String> now = new HashMap<>();
        for (VolumeInfo volume : group.volumes()) {
            now.put(volume.id(), volume.name());
            String name = known.get(volume.id());
            if (name == null) {
                long size =
                        sizesNow
                                ? group.newestSizeBytes(volume.id())
                                : group.firstSizeBytes(volume.id());
                tell(new OfferedVolume(volume.id(), size, volume.name()));
            } else if (!name.equals(volume.name())) {
                ByteBuf body = Unpooled.buffer().writeIntLE(volume.id());
                Bytes.writeText(body, volume.name());
                waiting.add(new Waiting(Kinds.DATA_VOLUME_RENAMED, body));
            }
        }
        for (int id : known.keySet()) {
            if (!now.containsKey(id)) {
                ByteBuf body = Unpooled.buffer().writeIntLE(id);
                waiting.add(new Waiting(Kinds.DATA_VOLUME_REMOVED, body));
            }
        }
        known.clear();
        known.putAll(now);
    }

    private void tell(OfferedVolume volume) {
        ByteBuf body = Unpooled.buffer();
        volume.encode(body);
        waiting.add(new Waiting(Kinds.DATA_VOLUME_ADDED, body));
    }

    /**
     * The copy has everything up to a sequence number on its disk; of what was sent, whatever it
     * says.
     *
     * @param folds whether it takes no more until its fold has caught up
     */
    void acknowledged(long said, boolean folds) {
        copyFolds = folds;
        long sequence = Math.min(said, sentSequence);
        while (!sent.isEmpty() && sent.element().lastSequence() <= sequence) {
            Sent there = sent.remove();
            tally.got(there.lastSequence(), there.writes(), there.writeBytes());
        }
        oldestMicros = sent.isEmpty() ? 0 : sent.element().firstTimeMicros();
        acknowledgedSequence = Math.max(acknowledgedSequence, sequence);
        shipment.acknowledged(sequence);
    }

    /** What the newest records wait for, given the log's last number. */
    ShippingStage stage(long lastSequence) {
        if (acknowledgedSequence >= lastSequence) {
            return ShippingStage.NONE;
        }
        if (copyFolds) {
            return ShippingStage.FOLD;
        }
        if (sentSequence < lastSequence && channel.credit() > 0) {
            return ShippingStage.CAPTURE;
        }
        return switch (channel.waitsFor()) {
            case COMPRESSION -> ShippingStage.COMPRESS;
            case WIRE -> ShippingStage.WIRE;
            case CREDIT, NOTHING -> ShippingStage.JOURNAL;
        };
    }

    long sentSequence() {
        return sentSequence;
    }

    long acknowledgedSequence() {
        return acknowledgedSequence;
    }

    /**
     * When the oldest record that the copy has not got was written, microseconds; 0 when it has all
     * up to the log's last number.
     */
    long oldestUnacknowledgedMicros(long lastSequence) {
        long sentFirst = oldestMicros;
        if (acknowledgedSequence >= lastSequence) {
            return 0;
        }
        return sentFirst == 0 ? wokenMicros : sentFirst;
    }
}
