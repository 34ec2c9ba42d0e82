package dev.tidemark.replica;

import dev.tidemark.journal.HistoryStatus;
import java.util.UUID;

/**
 * A protection group at one moment.
 *
 * @param reason why the state is not NORMAL, empty otherwise
 * @param headSequence newest sequence number in the journal
 * @param headMicros time of that record, 0 in an empty journal
 * @param durableSequence newest sequence number known to be forced
 * @param goldSequence gold images are exactly the volumes at this sequence number, or being moved
 *     to it
 * @param unfoldedBytes redo bytes not yet in gold
 * @param unfoldedLimitBytes writes wait above this
 * @param waitingWrites writes that wait for the fold now
 */
public record GroupStatus(
        UUID id,
        int epoch,
        GroupState state,
        String reason,
        long headSequence,
        long headMicros,
        long durableSequence,
        long goldSequence,
        long unfoldedBytes,
        long unfoldedLimitBytes,
        int waitingWrites,
        HistoryStatus history,
        int images,
        int views) {}
