package dev.tidemark.gateway.service;

import dev.tidemark.gateway.catalogue.ArrivalRow;
import dev.tidemark.gateway.catalogue.GroupRow;
import dev.tidemark.gateway.config.Keys;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.text.TimeSpan;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Wire.CheckpointDocument;
import dev.tidemark.gateway.wire.Wire.GapDocument;
import dev.tidemark.gateway.wire.Wire.GroupDocument;
import dev.tidemark.gateway.wire.Wire.GroupSiting;
import dev.tidemark.gateway.wire.Wire.HistoryDocument;
import dev.tidemark.gateway.wire.Wire.HistorySettings;
import dev.tidemark.gateway.wire.Wire.PointDocument;
import dev.tidemark.gateway.wire.Wire.PromotionDocument;
import dev.tidemark.gateway.wire.Wire.TopologyGroup;
import dev.tidemark.gateway.wire.Wire.TopologyVolume;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.HistoryStatus;
import dev.tidemark.replica.CheckpointQuery;
import dev.tidemark.replica.GroupStatus;
import dev.tidemark.replica.HistoryGap;
import dev.tidemark.replica.PromotionTask;
import dev.tidemark.replica.VolumeInfo;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Documents about groups, their checkpoints and their history. */
public final class Overview {
    private static final int MOST_CHECKPOINTS = 100_000;

    private Overview() {}

    public static GroupDocument group(Group group) {
        GroupStatus status = group.engine().status();
        PromotionTask promotion = group.engine().promotion();
        GroupSiting siting = group.siting();
        return new GroupDocument(
                group.name(),
                group.row().id().toString(),
                status.state().name().toLowerCase(Locale.ROOT),
                status.reason(),
                siting.role(),
                siting.tenure(),
                siting.source(),
                siting.status(),
                status.epoch(),
                Timestamps.iso(group.row().createdMicros()),
                group.engine().volumes().stream().map(VolumeInfo::name).toList(),
                settings(group.row()),
                status.headSequence(),
                status.headMicros() == 0 ? null : Timestamps.iso(status.headMicros()),
                status.durableSequence(),
                status.goldSequence(),
                status.unfoldedBytes(),
                status.unfoldedLimitBytes(),
                status.waitingWrites(),
                status.images(),
                status.views(),
                promotion == null
                        ? null
                        : new PromotionDocument(
                                promotion.image() == null ? null : promotion.image().toString(),
                                promotion.progress()),
                siting.alsoActive(),
                siting.protections(),
                siting.handover());
    }

    /** A copy that is being made here. */
    private static GroupDocument group(ArrivalRow arrival) {
        return without(
                arrival.name(),
                arrival.group().toString(),
                new Bare("syncing", "its images arrive from another site", "standby", "syncing"),
                arrival.startedMicros(),
                List.of(),
                new HistorySettings("", "", "", ""));
    }

    /** What is said of a group that cannot be asked. */
    private record Bare(String state, String reason, String role, String status) {}

    /** A group of which only the catalogue can tell. */
    public static GroupDocument group(UnopenedGroup group) {
        return without(
                group.name(),
                group.row().id().toString(),
                new Bare("failed", group.reason(), "unknown", "failed"),
                group.row().createdMicros(),
                group.volumes(),
                settings(group.row()));
    }

    private static GroupDocument without(
            String name,
            String id,
            Bare said,
            long createdMicros,
            List<String> volumes,
            HistorySettings settings) {
        return new GroupDocument(
                name,
                id,
                said.state(),
                said.reason(),
                said.role(),
                0,
                null,
                said.status(),
                0,
                Timestamps.iso(createdMicros),
                volumes,
                settings,
                0,
                null,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                null,
                List.of(),
                List.of(),
                null);
    }

    /** All groups, those that could not be opened last. */
    public static List<GroupDocument> groups(Groups groups) {
        return Stream.of(
                        groups.all().stream().map(Overview::group),
                        groups.arrivals().stream().map(Overview::group),
                        groups.unopened().stream().map(Overview::group))
                .flatMap(each -> each)
                .toList();
    }

    /** All groups with their volumes, as peers are told of them. */
    public static List<TopologyGroup> topology(Groups groups) {
        Stream<TopologyGroup> opened =
                groups.all().stream()
                        .map(group ->
                                new TopologyGroup(
                                        group.name(),
                                        group.row().id().toString(),
                                        group.engine()
                                                .status()
                                                .state()
                                                .name()
                                                .toLowerCase(Locale.ROOT),
                                        group.engine().status().epoch(),
                                        group.engine().volumes().stream()
                                                .map(Overview::topology)
                                                .toList()));
        Stream<TopologyGroup> unopened =
                groups.unopened().stream()
                        .map(group ->
                                new TopologyGroup(
                                        group.name(),
                                        group.row().id().toString(),
                                        "failed",
                                        0,
                                        List.of()));
        return Stream.concat(opened, unopened).toList();
    }

    private static TopologyVolume topology(VolumeInfo volume) {
        return new TopologyVolume(
                volume.name(), volume.id(), volume.sizeBytes(), volume.allocatedBytes());
    }

    private static HistorySettings settings(GroupRow row) {
        return new HistorySettings(
                TimeSpan.exact(Duration.ofMillis(row.windowMillis())),
                Keys.historyBytesText(row.historyBytes()),
                TimeSpan.exact(Duration.ofMillis(row.fineWindowMillis())),
                TimeSpan.exact(Duration.ofMillis(row.checkpointMillis())));
    }

    /** Window, bytes and forecast. */
    public static HistoryDocument history(Group group) {
        HistoryStatus history = group.engine().status().history();
        GroupRow row = group.row();
        double reachSeconds =
                Math.max(0, history.headTimeMicros() - history.tail().timeMicros()) / 1e6;
        Forecast forecast = Forecast.of(row.windowMillis() / 1e3, row.historyBytes(), history);
        return new HistoryDocument(
                group.name(),
                settings(row),
                point("tail", history.tail().sequence(), history.tail().timeMicros()),
                point("fine-tail", history.fineTailSequence(), history.fineTailTimeMicros()),
                point("head", history.headSequence(), history.headTimeMicros()),
                reachSeconds,
                history.checkpoints(),
                history.taggedCheckpoints(),
                history.redoBytes(),
                history.undoBytes(),
                history.indexBytes(),
                history.redoSegments(),
                history.undoSegments(),
                history.pins(),
                history.poolUsedBytes(),
                history.poolBudgetBytes(),
                history.undoBytesPerSecond(),
                forecast.seconds,
                forecast.limit,
                group.engine().gaps().stream().map(Overview::gap).toList());
    }

    private static GapDocument gap(HistoryGap gap) {
        String begun =
                gap.synchronised()
                        ? "the copy was synchronised"
                        : "a rollback or promotion was copied";
        return new GapDocument(
                gap.synchronised() ? "synchronised" : "promotion",
                Points.document("before", gap.beforeSequence(), gap.beforeMicros(), ""),
                gap.endSequence() == 0
                        ? null
                        : Points.document("after", gap.endSequence(), gap.endMicros(), ""),
                gap.endSequence() == 0
                        ? begun.replace(" was ", " is being ")
                        : gap.why().isEmpty() ? begun : begun + ": " + gap.why());
    }

    private static @Nullable PointDocument point(String asked, long sequence, long micros) {
        return micros <= 0 ? null : Points.document(asked, sequence, micros, "");
    }

    /**
     * How far back history will reach if it goes on growing as it did.
     *
     * @param limit window, bytes or pool: what ends it
     */
    record Forecast(double seconds, String limit) {
        static Forecast of(double windowSeconds, long budgetBytes, HistoryStatus history) {
            double rate = history.undoBytesPerSecond();
            if (rate <= 0) {
                return new Forecast(windowSeconds, "window");
            }
            long others = history.poolUsedBytes() - history.undoBytes();
            double bytesSeconds = budgetBytes / rate;
            double poolSeconds = Math.max(0, history.poolBudgetBytes() - others) / rate;
            double least = Math.min(windowSeconds, Math.min(bytesSeconds, poolSeconds));
            String limit =
                    least == windowSeconds ? "window" : least == bytesSeconds ? "bytes" : "pool";
            return new Forecast(least, limit);
        }
    }

    /** Checkpoints, oldest first, the newest {@code limit} ones. */
    public static List<CheckpointDocument> checkpoints(Group group, int limit, boolean taggedOnly) {
        if (limit < 1 || limit > MOST_CHECKPOINTS) {
            throw ProblemException.invalid(
                    "not a number of checkpoints",
                    Integer.toString(limit),
                    "1 to " + MOST_CHECKPOINTS,
                    "");
        }
        CheckpointQuery query =
                taggedOnly ? CheckpointQuery.tagged(limit) : CheckpointQuery.newest(limit);
        return group.engine().checkpoints(query).stream().map(Overview::checkpoint).toList();
    }

    public static CheckpointDocument checkpoint(Checkpoint checkpoint) {
        return new CheckpointDocument(
                checkpoint.sequence(),
                Timestamps.iso(checkpoint.timeMicros()),
                checkpoint.tagged(),
                checkpoint.name(),
                checkpoint.description());
    }
}
