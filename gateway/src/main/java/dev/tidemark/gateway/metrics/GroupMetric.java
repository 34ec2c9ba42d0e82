package dev.tidemark.gateway.metrics;

import dev.tidemark.replica.GroupCounters;
import dev.tidemark.replica.GroupStatus;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * A number that the engine keeps of a group.
 *
 * @param name as in Prometheus, without the {@code _total} that counters get
 * @param counter only grows; otherwise a gauge
 */
record GroupMetric(
        String name, boolean counter, String help, ToDoubleFunction<GroupMetric.Snapshot> value) {

    static final String FAILED_HELP = "1 when the group has stopped for good or cannot be opened";

    /** The engine's numbers at one moment. */
    record Snapshot(GroupStatus status, GroupCounters counters) {
        /** Everything written to the device for this group. */
        double deviceBytes() {
            return counters.journal().appendedBytes()
                    + (double) counters.journal().undoBytes()
                    + counters.journal().indexBytes()
                    + counters.goldBytes();
        }

        double deviceBytesPerHostByte() {
            long host = counters.hostWrittenBytes();
            return host == 0 ? 0 : deviceBytes() / host;
        }
    }

    static List<GroupMetric> all() {
        return List.of(
                gauge(
                        "tidemark_group_epoch",
                        "Generation; grows at every promotion",
                        s -> s.status().epoch()),
                gauge("tidemark_group_failed", FAILED_HELP, s -> is(s, "FAILED")),
                gauge(
                        "tidemark_group_stalled",
                        "1 while the fold cannot go on",
                        s -> is(s, "STALLED")),
                gauge(
                        "tidemark_group_promoting",
                        "1 while a rollback or promotion is folded in",
                        s -> is(s, "PROMOTING")),
                gauge(
                        "tidemark_group_unfolded_bytes",
                        "Redo not yet in gold",
                        s -> s.status().unfoldedBytes()),
                gauge(
                        "tidemark_group_unfolded_limit_bytes",
                        "Writes wait above this",
                        s -> s.status().unfoldedLimitBytes()),
                gauge(
                        "tidemark_group_waiting_writes",
                        "Writes that wait for the fold",
                        s -> s.status().waitingWrites()),
                gauge(
                        "tidemark_group_head_sequence",
                        "Newest sequence number",
                        s -> s.status().headSequence()),
                gauge(
                        "tidemark_group_durable_sequence",
                        "Newest sequence number known to be forced",
                        s -> s.status().durableSequence()),
                gauge(
                        "tidemark_group_gold_sequence",
                        "Sequence number that gold holds",
                        s -> s.status().goldSequence()),
                gauge(
                        "tidemark_group_running_tests",
                        "Running recovery tests",
                        s -> s.status().images()),
                gauge(
                        "tidemark_group_open_views",
                        "Open point-in-time views",
                        s -> s.status().views()),
                counter(
                        "tidemark_group_host_bytes",
                        "Bytes hosts wrote to live disks",
                        s -> s.counters().hostWrittenBytes()),
                counter(
                        "tidemark_group_device_bytes",
                        "Bytes written to the device: redo, undo, index, gold",
                        Snapshot::deviceBytes),
                gauge(
                        "tidemark_group_device_bytes_per_host_byte",
                        "Write amplification since the start",
                        Snapshot::deviceBytesPerHostByte),
                counter(
                        "tidemark_group_folds",
                        "Layers folded into gold",
                        s -> s.counters().folds()),
                counter(
                        "tidemark_group_folded_bytes",
                        "Bytes of distinct addresses folded",
                        s -> s.counters().foldedBytes()),
                counter(
                        "tidemark_group_before_image_bytes",
                        "Before-images stored with data",
                        s -> s.counters().beforeImageBytes()),
                counter(
                        "tidemark_group_gold_bytes",
                        "Bytes written to gold images",
                        s -> s.counters().goldBytes()),
                counter(
                        "tidemark_group_throttled_writes",
                        "Writes that had to wait for the fold",
                        s -> s.counters().throttledWrites()),
                counter(
                        "tidemark_group_view_reads",
                        "Reads of views and tests",
                        s -> s.counters().viewReads()),
                counter(
                        "tidemark_group_view_read_bytes",
                        "Bytes of those",
                        s -> s.counters().viewReadBytes()),
                counter(
                        "tidemark_group_write_log_bytes",
                        "Bytes written by tests",
                        s -> s.counters().writeLogBytes()),
                counter(
                        "tidemark_group_promoted_bytes",
                        "Bytes copied by rollbacks and promotions",
                        s -> s.counters().promotedBytes()),
                counter(
                        "tidemark_journal_records",
                        "Records appended",
                        s -> s.counters().journal().appendedRecords()),
                counter(
                        "tidemark_journal_bytes",
                        "Bytes appended, headers included",
                        s -> s.counters().journal().appendedBytes()),
                counter(
                        "tidemark_journal_writes",
                        "Gathered writes that carried the records",
                        s -> s.counters().journal().gatheredWrites()),
                counter(
                        "tidemark_journal_forces",
                        "Forces of the redo log",
                        s -> s.counters().journal().forces()),
                counter(
                        "tidemark_journal_undo_runs",
                        "Undo runs committed",
                        s -> s.counters().journal().undoRuns()),
                counter(
                        "tidemark_journal_undo_bytes",
                        "Before-image bytes written",
                        s -> s.counters().journal().undoBytes()),
                counter(
                        "tidemark_journal_index_bytes",
                        "Index bytes written, merges included",
                        s -> s.counters().journal().indexBytes()),
                counter(
                        "tidemark_journal_merges",
                        "Index merges",
                        s -> s.counters().journal().merges()),
                counter(
                        "tidemark_journal_units_created",
                        "Storage units taken from the pool",
                        s -> s.counters().journal().createdUnits()),
                counter(
                        "tidemark_journal_units_freed",
                        "Storage units given back",
                        s -> s.counters().journal().freedUnits()),
                gauge(
                        "tidemark_history_reach_seconds",
                        "Time from the oldest point to the newest",
                        GroupMetric::reach),
                gauge(
                        "tidemark_history_checkpoints",
                        "Checkpoints that can be had",
                        s -> s.status().history().checkpoints()),
                gauge(
                        "tidemark_history_redo_segment_bytes",
                        "Redo segments on disk",
                        s -> s.status().history().redoBytes()),
                gauge(
                        "tidemark_history_undo_segment_bytes",
                        "Undo segments on disk",
                        s -> s.status().history().undoBytes()),
                gauge(
                        "tidemark_history_index_size_bytes",
                        "Indexes in them",
                        s -> s.status().history().indexBytes()),
                gauge(
                        "tidemark_history_pins",
                        "Points held by views and tests",
                        s -> s.status().history().pins()),
                gauge(
                        "tidemark_history_growth_bytes_per_second",
                        "Mean growth of the history",
                        s -> s.status().history().undoBytesPerSecond()));
    }

    private static double reach(Snapshot snapshot) {
        var history = snapshot.status().history();
        return Math.max(0, history.headTimeMicros() - history.tail().timeMicros()) / 1e6;
    }

    private static double is(Snapshot snapshot, String state) {
        return snapshot.status().state().name().equals(state) ? 1 : 0;
    }

    private static GroupMetric gauge(String name, String help, ToDoubleFunction<Snapshot> value) {
        return new GroupMetric(name, false, help, value);
    }

    private static GroupMetric counter(String name, String help, ToDoubleFunction<Snapshot> value) {
        return new GroupMetric(name, true, help, value);
    }
}
