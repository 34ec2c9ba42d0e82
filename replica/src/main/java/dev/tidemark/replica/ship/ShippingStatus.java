package dev.tidemark.replica.ship;

import dev.tidemark.replica.CopyCounters;

/**
 * How the shipping of a group to a peer stands. Sequence numbers are the source's.
 *
 * @param reason why it waits or is stopped; empty when it goes
 * @param sentSequence newest record given to the link
 * @param acknowledgedSequence newest record on the copy's disk
 * @param backlogBytes redo kept because the copy has not got it
 * @param lagMicros age of the oldest record that the copy has not got; 0 when it has all
 * @param stage what the newest records wait for
 * @param sync of the synchronisation that runs or ran last
 * @param copied writes that the copy has got as records, or was given with a synchronisation
 * @param trigger why that began, or why the next one will; empty when there was none
 */
public record ShippingStatus(
        ShippingState state,
        String reason,
        long sentSequence,
        long acknowledgedSequence,
        long backlogBytes,
        long lagMicros,
        ShippingStage stage,
        SyncProgress sync,
        CopyCounters copied,
        String trigger) {}
