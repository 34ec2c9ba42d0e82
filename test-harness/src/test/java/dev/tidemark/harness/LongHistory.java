package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.model.Outcome;
import dev.tidemark.execution.ThreadScheduler;
import dev.tidemark.journal.IndexCache;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.journal.SegmentPool;
import dev.tidemark.journal.history.HistoryGenerator.Shape;
import dev.tidemark.replica.Environment;
import dev.tidemark.replica.GroupListener;
import dev.tidemark.replica.GroupOptions;
import dev.tidemark.replica.GroupState;
import dev.tidemark.replica.GroupStatus;
import dev.tidemark.replica.ProtectionGroup;
import dev.tidemark.storage.FileStorageDirectory;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A group with one volume, full of data, and thousands of checkpoint intervals of random writes
 * behind it, made by the engine itself as fast as it folds. Every block says in its first eight
 * bytes which interval wrote it, so that what a view must show is known. Of one thread.
 */
final class LongHistory implements AutoCloseable {
    private static final Duration FOLD_LIMIT = Duration.ofMinutes(5);
    private static final int FILL_BYTES = 1 << 20;
    private static final int CHECKPOINTS_IN_FLIGHT = 32;

    private final Path folder;
    private final Shape shape;
    private final int intervals;
    private final ThreadScheduler scheduler =
            new ThreadScheduler("history", 8, (thread, failure) -> failure.printStackTrace());
    private final int[] lastInterval;
    private final List<Snapshot> snapshots = new ArrayList<>();
    private final Deque<CompletableFuture<?>> checkpoints = new ArrayDeque<>();
    private ProtectionGroup group;

    /** Which interval wrote each block last, at the end of one interval. */
    static final class Snapshot {
        private final int interval;
        private final int[] lastIntervals;

        private Snapshot(int interval, int[] lastIntervals) {
            this.interval = interval;
            this.lastIntervals = lastIntervals;
        }

        int interval() {
            return interval;
        }

        PointSpec point() {
            return new PointSpec.AtCheckpoint(name(interval));
        }
    }

    /**
     * Makes the history, closes the group, and opens it again, so that nothing of it is in memory.
     */
    LongHistory(Path folder, Shape shape, int intervals, int snapshotCount) throws Exception {
        this.folder = folder;
        this.shape = shape;
        this.intervals = intervals;
        this.lastInterval = new int[Math.toIntExact(shape.volumeBytes() / shape.blockBytes())];
        group =
                ProtectionGroup.create(
                        options(),
                        UUID.randomUUID(),
                        new UnforcedDirectory(FileStorageDirectory.at(folder)),
                        environment());
        int volume = group.addVolume("disk", shape.volumeBytes()).get(1, TimeUnit.MINUTES).id();
        assertThat(volume).isEqualTo(shape.volume());
        BlockDevice disk = group.openVolume(volume);
        fill(disk);
        for (int interval = 1; interval <= intervals; interval++) {
            write(disk, interval);
            if (interval * (long) snapshotCount / intervals
                    > (interval - 1) * (long) snapshotCount / intervals) {
                snapshots.add(new Snapshot(interval, lastInterval.clone()));
            }
        }
        awaitCheckpoints(0);
        disk.close();
        awaitFolded();
        group.drain().get(1, TimeUnit.MINUTES);
        reopen();
    }

    private static GroupOptions options() {
        return GroupOptions.defaults()
                .withCheckpointInterval(Duration.ofSeconds(60))
                .withHistory(Duration.ofDays(1), Long.MAX_VALUE, Duration.ZERO);
    }

    private Environment environment() {
        return new Environment(
                scheduler, new SegmentPool(1L << 40), new IndexCache(64 << 20), GroupListener.NONE);
    }

    /** Closes the group and opens it again. */
    void reopen() throws Exception {
        group.close();
        group = ProtectionGroup.open(options(), FileStorageDirectory.at(folder), environment());
    }

    private void fill(BlockDevice disk) throws Exception {
        for (long at = 0; at < shape.volumeBytes(); at += FILL_BYTES) {
            ByteBuf data = PooledByteBufAllocator.DEFAULT.directBuffer(FILL_BYTES);
            for (int block = 0; block < FILL_BYTES; block += shape.blockBytes()) {
                putBlock(data, 0, at + block);
            }
            finish(disk, List.of(start(disk, at, data)));
        }
        checkpoint(0);
    }

    private void putBlock(ByteBuf data, int interval, long offsetBytes) {
        long stamp = shape.stamp(interval, offsetBytes);
        for (int i = 0; i < shape.blockBytes(); i += Long.BYTES) {
            data.writeLong(stamp + i);
        }
    }

    /** One write on its way, and the buffer to give back afterwards. */
    private record Write(Outcome outcome, ByteBuf data) {}

    private static Write start(BlockDevice disk, long offsetBytes, ByteBuf data) {
        Outcome outcome = new Outcome();
        disk.write(offsetBytes, data, false, outcome);
        return new Write(outcome, data);
    }

    private static void finish(BlockDevice disk, List<Write> writes) {
        disk.submit();
        for (Write write : writes) {
            write.outcome.await().expectSuccess();
            write.data.release();
        }
    }

    private void write(BlockDevice disk, int interval) throws Exception {
        List<Write> writes = new ArrayList<>();
        for (long offset : shape.offsets(interval)) {
            ByteBuf data = PooledByteBufAllocator.DEFAULT.directBuffer(shape.blockBytes());
            putBlock(data, interval, offset);
            writes.add(start(disk, offset, data));
            lastInterval[(int) (offset / shape.blockBytes())] = interval;
        }
        finish(disk, writes);
        checkpoint(interval);
    }

    private static String name(int interval) {
        return "interval-" + interval;
    }

    private void checkpoint(int interval) throws Exception {
        checkpoints.add(group.addCheckpoint(name(interval), ""));
        awaitCheckpoints(CHECKPOINTS_IN_FLIGHT);
    }

    private void awaitCheckpoints(int most) throws Exception {
        while (checkpoints.size() > most) {
            checkpoints.remove().get(1, TimeUnit.MINUTES);
        }
    }

    private void awaitFolded() throws Exception {
        try {
            Await.until("everything to be folded", FOLD_LIMIT, this::isFoldedOrBroken);
        } catch (AssertionError late) {
            throw new AssertionError("the group's status: " + group.status(), late);
        }
        assertThat(group.status().state()).as("%s", group.status()).isEqualTo(GroupState.NORMAL);
    }

    /** A group that has failed or stalled folds no more. */
    private boolean isFoldedOrBroken() {
        GroupStatus status = group.status();
        return status.unfoldedBytes() == 0 || status.state() != GroupState.NORMAL;
    }

    /** What a block's first eight bytes are in a snapshot. */
    long expected(Snapshot snapshot, int block) {
        long offsetBytes = (long) block * shape.blockBytes();
        return shape.stamp(snapshot.lastIntervals[block], offsetBytes);
    }

    /** Oldest first, evenly spread; the last is at the end of the last interval. */
    List<Snapshot> snapshots() {
        return snapshots;
    }

    int intervals() {
        return intervals;
    }

    Shape shape() {
        return shape;
    }

    ProtectionGroup group() {
        return group;
    }

    /** Where the gold replica lies, a plain file. */
    Path goldFolder() {
        return folder.resolve("volumes").resolve(Integer.toString(shape.volume()));
    }

    @Override
    public void close() {
        group.close();
        scheduler.close();
    }
}
