package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.journal.Checkpoint;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageFile;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Volumes that share one write order, with their history. Futures fail with a {@link ReplicaException}; they complete on the group's
 * threads, so their dependents must not block. Thread-safe.
 */
public final class ProtectionGroup implements AutoCloseable {

    private ProtectionGroup() {}

    /** Makes a new, empty group in an empty directory. Blocking. */
    public static ProtectionGroup create(
            GroupOptions options, UUID id, StorageDirectory directory, Environment environment)
            throws ReplicaException {
        throw new UnsupportedOperationException();
    }

    /** Opens an existing group, recovering what a crash left. Blocking. */
    public static ProtectionGroup open(
            GroupOptions options, StorageDirectory directory, Environment environment)
            throws ReplicaException {
        throw new UnsupportedOperationException();
    }

    public UUID id() {
        throw new UnsupportedOperationException();
    }

    /** Grows at every rollback and promotion. */
    public int epoch() {
        throw new UnsupportedOperationException();
    }

    /** All volumes by id. */
    public List<VolumeInfo> volumes() {
        throw new UnsupportedOperationException();
    }

    /** Makes a thin volume that reads as zeros. */
    public CompletableFuture<VolumeInfo> addVolume(String name, long sizeBytes) {
        throw new UnsupportedOperationException();
    }

    /** Makes a volume with the content of a raw image, copied without its holes; {@code source} stays the caller's and untouched. */
    public CompletableFuture<VolumeInfo> importVolume(
            String name, StorageFile source, Progress progress) {
        throw new UnsupportedOperationException();
    }

    /** Grows a volume, in use or not. */
    public CompletableFuture<VolumeInfo> resizeVolume(int id, long newSizeBytes) {
        throw new UnsupportedOperationException();
    }

    public CompletableFuture<Void> renameVolume(int id, String name) {
        throw new UnsupportedOperationException();
    }

    /** Deletes a volume and its past; IN_USE while handles, images, views or a promotion need it. */
    public CompletableFuture<Void> removeVolume(int id) {
        throw new UnsupportedOperationException();
    }

    /** A new handle of the live disk. */
    public BlockDevice openVolume(int id) throws ReplicaException {
        throw new UnsupportedOperationException();
    }

    /** Makes a tagged checkpoint, durable when the future completes. */
    public CompletableFuture<Checkpoint> addCheckpoint(String name, String description) {
        throw new UnsupportedOperationException();
    }

    public List<Checkpoint> checkpoints(CheckpointQuery query) {
        throw new UnsupportedOperationException();
    }

    /** Which exact point a view at {@code spec} would take. */
    public CompletableFuture<Point> resolve(PointSpec spec) {
        throw new UnsupportedOperationException();
    }

    public CompletableFuture<PointInTimeView> openView(PointSpec spec) {
        throw new UnsupportedOperationException();
    }

    /** Starts a recovery test; durable when the future completes. */
    public CompletableFuture<Image> startImage(UUID imageId, PointSpec spec) {
        throw new UnsupportedOperationException();
    }

    /** Running images, also those from before a restart, by start time. */
    public List<Image> images() {
        throw new UnsupportedOperationException();
    }

    /** Discards an image and its writes. IN_USE while handles are open, unless {@code force}: they then fail with SHUTDOWN. */
    public CompletableFuture<Void> stopImage(UUID imageId, boolean force) {
        throw new UnsupportedOperationException();
    }

    /** Sets the live disks back to a point, in place; what was before stays in the history. Failures arrive through the task. */
    public PromotionTask rollback(PointSpec spec) {
        throw new UnsupportedOperationException();
    }

    /** Makes an image, with its writes, the live disks; the image ends with it. IN_USE while the image has open handles. */
    public PromotionTask promote(UUID imageId) {
        throw new UnsupportedOperationException();
    }

    /** The rollback or promotion in progress, also one resumed by {@link #open}. */
    public @Nullable PromotionTask promotion() {
        throw new UnsupportedOperationException();
    }

    public GroupStatus status() {
        throw new UnsupportedOperationException();
    }

    public GroupCounters counters() {
        throw new UnsupportedOperationException();
    }

    /** Changes the windows; takes effect at the next retention pass. */
    public void setHistory(Duration window, long bytes, Duration fineWindow) {
        throw new UnsupportedOperationException();
    }

    /** Time between automatic checkpoints, 0.1 to 60 s. */
    public void setCheckpointInterval(Duration interval) {
        throw new UnsupportedOperationException();
    }

    /** Stops accepting requests, marks a checkpoint, folds everything: gold is then the disk. Call {@link #close} next. */
    public CompletableFuture<Void> drain() {
        throw new UnsupportedOperationException();
    }

    /** Closes all files. After {@link #drain} everything is in gold; without, as safe as a crash of the process. Idempotent. */
    @Override
    public void close() {}
}
