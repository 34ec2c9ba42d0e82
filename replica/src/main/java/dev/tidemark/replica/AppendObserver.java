package dev.tidemark.replica;

import dev.tidemark.journal.PendingRecord;

/** Sees every record of a group's redo log, in sequence order, under the log's lock, before it is acknowledged. */
interface AppendObserver {
    AppendObserver NONE = record -> {};

    void appended(PendingRecord record);
}
