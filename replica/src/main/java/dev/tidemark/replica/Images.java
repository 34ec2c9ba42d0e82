package dev.tidemark.replica;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.Pin;
import dev.tidemark.journal.Point;
import dev.tidemark.journal.PointException;
import dev.tidemark.journal.RecordLog;
import dev.tidemark.journal.RecordLogOptions;
import dev.tidemark.journal.SegmentPool;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The images of running recovery tests. A start makes the write log durable, then the manifest's
 * attribute; an end deletes the attribute, then the log: a log without an attribute is a left-over.
 * Changes run on the maintenance executor; the map is replaced, never changed.
 */
final class Images {
    private static final String DIRECTORY = "images";

    private final Journal journal;
    private final Volumes volumes;
    private final Rules rules;
    private final Meters meters;
    private final Scheduler scheduler;
    private final SegmentPool pool;
    private final Alerts alerts;
    private final Maintenance maintenance;
    private final RecordLogOptions options;
    private final StorageDirectory directory;
    private volatile Map<UUID, HeldImage> byId = Collections.emptyMap();

    Images(
            Journal journal,
            Volumes volumes,
            Rules rules,
            Meters meters,
            Scheduler scheduler,
            SegmentPool pool,
            Alerts alerts,
            Maintenance maintenance,
            int unitBytes,
            StorageDirectory group)
            throws StorageException {
        this.journal = journal;
        this.volumes = volumes;
        this.rules = rules;
        this.meters = meters;
        this.scheduler = scheduler;
        this.pool = pool;
        this.alerts = alerts;
        this.maintenance = maintenance;
        this.options = RecordLogOptions.writeLog(unitBytes);
        this.directory = group.directory(DIRECTORY);
    }

    /** Opens what was running and deletes left-overs. Blocking; before the group is open. */
    void recover() throws ReplicaException, JournalException, StorageException {
        Map<String, byte[]> attributes = journal.attributes();
        List<String> known = new ArrayList<>();
        List<ImageRecord> records = new ArrayList<>();
        for (Map.Entry<String, byte[]> entry : attributes.entrySet()) {
            if (entry.getKey().startsWith(ImageRecord.PREFIX)) {
                records.add(ImageRecord.decode(entry.getKey(), entry.getValue()));
                known.add(entry.getKey().substring(ImageRecord.PREFIX.length()));
            }
        }
        for (String name : directory.directories()) {
            if (!known.contains(name)) {
                directory.deleteDirectory(name);
            }
        }
        records.sort(
                Comparator.comparingLong(ImageRecord::startedMicros)
                        .thenComparing(ImageRecord::id));
        for (ImageRecord record : records) {
            add(reopen(record));
        }
    }

    /** An image that cannot be opened takes nobody along: it is held as a failed one. */
    private HeldImage reopen(ImageRecord record) throws ReplicaException {
        StorageDirectory own;
        try {
            own = directory.directory(record.id().toString());
        } catch (StorageException failure) {
            throw Failures.replica(failure);
        }
        Pin pin = null;
        String reason;
        try {
            // Held whatever comes: what a failed image is made of must outlive the failure.
            pin = journal.pin(record.point());
            ImageDisk image = reopen(record, own);
            pin.close();
            return image;
        } catch (PointException gone) {
            reason = "its point is gone: " + gone.getMessage();
        } catch (JournalException failure) {
            reason = Failures.message(failure);
        }
        alerts.imageFailed(record.id(), reason);
        return new FailedImage(record, reason, own, pin);
    }

    private ImageDisk reopen(ImageRecord record, StorageDirectory own)
            throws JournalException, PointException {
        PointSource base = PointSource.open(journal, volumes, rules, record.point());
        RecordLog log = null;
        try {
            log = RecordLog.open(options, record.id(), own, scheduler, pool, alerts);
            ImageDisk image = new ImageDisk(record, base, log, meters, scheduler.io());
            image.replay();
            return image;
        } catch (JournalException failure) {
            base.close();
            if (log != null) {
                log.close();
            }
            throw failure;
        }
    }

    /** Starts an image at a point. On the maintenance executor. */
    ImageDisk start(UUID id, Point point, List<PointVolume> pointVolumes)
            throws ReplicaException, JournalException, PointException, StorageException {
        if (byId.containsKey(id)) {
            throw new ReplicaException(
                    ReplicaException.Kind.EXISTS, "image " + id + " is running already");
        }
        PointSource base = PointSource.open(journal, volumes, rules, point);
        ImageRecord record = new ImageRecord(id, scheduler.wallClockMicros(), point, pointVolumes);
        RecordLog log = null;
        try {
            directory.deleteDirectory(id.toString());
            StorageDirectory own = directory.directory(id.toString());
            directory.force();
            log = RecordLog.create(options, id, own, scheduler, pool, alerts);
            // The point itself must survive what the image survives.
            journal.redo().forceNow(point.sequence());
            journal.putAttribute(record.key(), record.encode(), true);
        } catch (JournalException | StorageException failure) {
            base.close();
            giveUp(id, log, failure);
            throw failure;
        }
        ImageDisk image = new ImageDisk(record, base, log, meters, scheduler.io());
        add(image);
        return image;
    }

    /**
     * After a failed force nobody knows whether the manifest names the image: its log stays, and
     * the next opening decides.
     */
    private void giveUp(UUID id, @Nullable RecordLog log, Exception failure)
            throws JournalException, StorageException {
        boolean undecided =
                failure instanceof JournalException known
                        && known.kind() == JournalException.Kind.FAILED;
        if (!undecided) {
            discard(id, log);
        } else if (log != null) {
            log.close();
        }
    }

    private void discard(UUID id, @Nullable RecordLog log)
            throws JournalException, StorageException {
        if (log != null) {
            log.close();
        }
        directory.deleteDirectory(id.toString());
    }

    private void add(HeldImage image) {
        Map<UUID, HeldImage> more = new LinkedHashMap<>(byId);
        more.put(image.id(), image);
        byId = more;
    }

    List<Image> all() {
        return List.copyOf(byId.values());
    }

    int count() {
        return byId.size();
    }

    /** The running image of that id; one that failed is refused with its reason. */
    ImageDisk named(UUID id) throws ReplicaException {
        return switch (held(id)) {
            case ImageDisk image -> image;
            case FailedImage image -> throw image.refusal();
        };
    }

    private HeldImage held(UUID id) throws ReplicaException {
        HeldImage image = byId.get(id);
        if (image == null) {
            throw new ReplicaException(
                    ReplicaException.Kind.NOT_FOUND, "no image " + id + " is running");
        }
        return image;
    }

    boolean exists(UUID id) {
        return byId.containsKey(id);
    }

    boolean usesVolume(int volume) {
        return byId.values().stream()
                .flatMap(image -> image.volumes().stream())
                .anyMatch(used -> used.id() == volume);
    }

    /** Stops an image and gives its space back. */
    CompletableFuture<Void> stop(UUID id, boolean force) {
        return maintenance
                .submit(() -> stoppable(id, force))
                .thenCompose(image ->
                        quiet(image).thenCompose(quiet -> maintenance.submit(() -> remove(image))));
    }

    private static CompletableFuture<Void> quiet(HeldImage image) {
        return switch (image) {
            case ImageDisk disk -> disk.close();
            case FailedImage _ -> CompletableFuture.completedFuture(null);
        };
    }

    private HeldImage stoppable(UUID id, boolean force) throws ReplicaException {
        HeldImage image = held(id);
        if (image instanceof ImageDisk disk && disk.isFrozen()) {
            throw new ReplicaException(
                    ReplicaException.Kind.IN_USE,
                    "image " + id + " is being promoted; it ends with the promotion");
        }
        if (!force && image.openHandles() > 0) {
            throw new ReplicaException(
                    ReplicaException.Kind.IN_USE,
                    "image "
                            + id
                            + " has "
                            + image.openHandles()
                            + " open handles; disconnect them or use force");
        }
        return image;
    }

    /** Deletes an image in which nothing is in flight. On the maintenance executor. */
    @Nullable Void remove(HeldImage image) throws JournalException, StorageException {
        if (byId.get(image.id()) == image) {
            forget(image);
            dispose(image);
        }
        return null;
    }

    /**
     * The image no longer exists, durably; what it keeps on disk is a left-over. On the maintenance
     * executor.
     */
    void forget(HeldImage image) throws JournalException {
        journal.deleteAttribute(image.record().key(), true);
        Map<UUID, HeldImage> fewer = new LinkedHashMap<>(byId);
        fewer.remove(image.id());
        byId = fewer;
    }

    /** Ends the pin and deletes the write log of a forgotten image. On the maintenance executor. */
    void dispose(HeldImage image) throws JournalException, StorageException {
        switch (image) {
            case ImageDisk disk -> {
                disk.base().close();
                discard(disk.id(), disk.log());
            }
            case FailedImage failed -> {
                failed.close();
                discard(failed.id(), null);
            }
        }
    }

    /**
     * Closes the logs; the images go on at the next opening. Their pins stay, or retention would
     * take what they need.
     */
    void close() throws JournalException {
        for (HeldImage image : byId.values()) {
            if (image instanceof ImageDisk disk) {
                var _ = disk.close();
                disk.log().close();
            }
        }
    }
}
