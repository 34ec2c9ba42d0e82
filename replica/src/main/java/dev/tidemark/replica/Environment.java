package dev.tidemark.replica;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.journal.IndexCache;
import dev.tidemark.journal.SegmentPool;

/**
 * What a protection group shares with the rest of its process.
 *
 * @param scheduler the only source of time and threads
 * @param pool storage units of all groups
 * @param cache index blocks of all groups
 */
public record Environment(
        Scheduler scheduler, SegmentPool pool, IndexCache cache, GroupListener listener) {}
