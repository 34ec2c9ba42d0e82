package dev.tidemark.replica.ship;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.replica.CopyTally;
import dev.tidemark.replica.ProtectionGroup;
import org.jspecify.annotations.Nullable;

/**
 * What is told of the shipping to one copy: what goes on now, and what is known from before where
 * no channel is open. Written on the shipping's executor, asked from any thread.
 */
final class ShippingFigures {
    private final ProtectionGroup group;
    private final CopyTally tally;
    private final Scheduler scheduler;
    private volatile SyncProgress progress = SyncProgress.NONE;
    private volatile long sentSequence;
    private volatile long acknowledgedSequence;

    /** When the copy last had everything, wall clock. */
    private volatile long evenMicros;

    /**
     * @param known the newest record that the copy is known to have
     */
    ShippingFigures(ProtectionGroup group, CopyTally tally, Scheduler scheduler, long known) {
        this.group = group;
        this.tally = tally;
        this.scheduler = scheduler;
        this.sentSequence = known;
        this.acknowledgedSequence = known;
        this.evenMicros = scheduler.wallClockMicros();
    }

    /** So far has the synchronisation come. */
    void progressed(SyncProgress now) {
        progress = now;
    }

    /** The copy has everything. */
    void even() {
        evenMicros = scheduler.wallClockMicros();
    }

    /** A channel of records ends: so far they have come. */
    void ended(RecordPump records) {
        sentSequence = records.sentSequence();
        acknowledgedSequence = records.acknowledgedSequence();
    }

    /** The copy was made or synchronised, and has everything up to a record. */
    void synchronised(long sequence) {
        acknowledgedSequence = Math.max(acknowledgedSequence, sequence);
    }

    private static @Nullable RecordPump shipped(@Nullable ShippingChannel channel) {
        return channel == null ? null : channel.shipped();
    }

    /** The newest record that the copy is known to have on its disk. */
    long acknowledgedSequence(@Nullable ShippingChannel channel) {
        RecordPump records = shipped(channel);
        return records == null ? acknowledgedSequence : records.acknowledgedSequence();
    }

    ShippingMode mode(ShippingState state, HeldRedo held, @Nullable ShippingChannel channel) {
        boolean synchronises = channel != null && channel.synchronises();
        if (synchronises && held.isCopyNew()) {
            return ShippingMode.FIRST_COPY;
        }
        if (synchronises || !held.isHeld()) {
            return ShippingMode.DIRTY_MAP;
        }
        return state == ShippingState.SHIPPING ? ShippingMode.SHIPPING : ShippingMode.HELD_BACKLOG;
    }

    ShippingStatus status(
            ShippingState state, String reason, HeldRedo held, @Nullable ShippingChannel channel) {
        RecordPump records = shipped(channel);
        long backlog = held.backlogBytes();
        long since = evenMicros;
        ShippingStage stage = ShippingStage.NONE;
        if (records != null && state == ShippingState.SHIPPING) {
            long newest = group.status().headSequence();
            since = records.oldestUnacknowledgedMicros(newest);
            stage = records.stage(newest);
        } else if (held.isHeld() && backlog == 0 && (channel == null || !channel.synchronises())) {
            since = 0;
        }
        return new ShippingStatus(
                state,
                reason,
                records == null ? sentSequence : records.sentSequence(),
                acknowledgedSequence(channel),
                backlog,
                since == 0 ? 0 : Math.max(0, scheduler.wallClockMicros() - since),
                stage,
                progress,
                tally.counters(),
                held.trigger());
    }
}
