package dev.tidemark.replica;

import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Creates, imports, resizes, renames and removes volumes, on the maintenance executor. A volume
 * exists once its attribute is durable.
 */
final class VolumeChanges {
    static final int MAXIMUM_NAME_BYTES = 255;

    /** 64 TiB: the allocation map and offsets in the index stay small. */
    static final long MAXIMUM_SIZE_BYTES = 1L << 46;

    /** Volumes of a copy at most, with those that its source has deleted: each is an open file. */
    static final int MAXIMUM_OF_A_COPY = 4096;

    private static final String NEXT_ID = "next-volume";

    /**
     * With a volume's id: the number of the record after which it has content that is in no record,
     * u64; all ones while that is not known.
     */
    private static final String IMPORT = "import/";

    private static final long UNKNOWN = -1;

    private static final int IDS_OF_A_TENURE = 1 << 8;

    private final Engine engine;
    private final IntPredicate viewed;

    /** Names that imports under way will take. */
    private final Set<String> reserved = new TreeSet<>();

    private int nextId = 1;

    /**
     * @param viewed whether an open view contains a volume
     */
    VolumeChanges(Engine engine, IntPredicate viewed) {
        this.engine = engine;
        this.viewed = viewed;
    }

    /**
     * Opens the volumes the manifest knows and deletes other folders. Blocking; before the group is
     * open.
     */
    void recover() throws ReplicaException, JournalException, StorageException {
        Set<String> known = new TreeSet<>();
        for (var entry : engine.journal.attributes().entrySet()) {
            if (entry.getKey().equals(NEXT_ID)) {
                nextId = ByteBuffer.wrap(entry.getValue()).getInt();
            } else if (entry.getKey().startsWith(VolumeRecord.PREFIX)) {
                VolumeRecord record = VolumeRecord.decode(entry.getKey(), entry.getValue());
                known.add(GoldImage.directoryName(record.id()));
                engine.volumes.add(open(record));
            }
        }
        for (Volume volume : engine.volumes.all()) {
            byte[] imported = engine.journal.attributes().get(IMPORT + volume.id());
            if (imported != null) {
                long sequence = ByteBuffer.wrap(imported).getLong();
                volume.importedAt(
                        sequence == UNKNOWN ? engine.journal.redo().lastSequence() : sequence);
            }
        }
        for (String name : engine.volumeDirectory.directories()) {
            if (!known.contains(name)) {
                engine.volumeDirectory.deleteDirectory(name);
            }
        }
    }

    private Volume open(VolumeRecord record) throws ReplicaException, StorageException {
        long size = record.lastSizeBytes();
        try {
            GoldImage gold = GoldImage.open(engine.volumeDirectory, record.id());
            requireWhole(record, gold, size);
            Volume volume = new Volume(record, gold);
            gold.addData(size, volume.allocation());
            return volume;
        } catch (StorageException failure) {
            if (failure.kind() == StorageException.Kind.NOT_FOUND) {
                throw new ReplicaException(
                        ReplicaException.Kind.CORRUPT,
                        "the gold image of volume "
                                + record.name()
                                + " is missing ("
                                + failure.getMessage()
                                + "); put it back, nothing else was changed",
                        failure);
            }
            throw failure;
        }
    }

    /** The file is made longer, durably, before the volume is: a shorter one has lost its end. */
    private static void requireWhole(VolumeRecord record, GoldImage gold, long size)
            throws ReplicaException, StorageException {
        long found = gold.sizeBytes();
        if (found < size) {
            gold.close();
            throw new ReplicaException(
                    ReplicaException.Kind.CORRUPT,
                    "the gold image of volume %s is cut short: %s has %d bytes, the volume %d; restore the file, nothing was changed"
                            .formatted(record.name(), gold.path(), found, size));
        }
    }

    CompletableFuture<VolumeInfo> add(String name, long sizeBytes) {
        return engine.maintenance.submit(() -> {
            checkUsable();
            engine.roles.requireActive();
            checkName(name);
            checkSize(sizeBytes);
            int id = takeId();
            GoldImage gold = GoldImage.create(engine.volumeDirectory, id, sizeBytes);
            return publish(id, name, sizeBytes, gold, null);
        });
    }

    /**
     * Each tenure has ids of its own: only one site is active in it, so that two sites that both
     * think they are active never give the same one.
     */
    private int takeId() throws JournalException {
        int id = Math.max(nextId, engine.roles.role().tenure() * IDS_OF_A_TENURE + 1);
        nextIs(id + 1);
        return id;
    }

    private void nextIs(int next) throws JournalException {
        nextId = next;
        engine.journal.putAttribute(NEXT_ID, ByteBuffer.allocate(4).putInt(nextId).array(), false);
    }

    private VolumeInfo publish(
            int id, String name, long sizeBytes, GoldImage gold, @Nullable AllocationMap content)
            throws JournalException, StorageException {
        long sequence = engine.journal.redo().lastSequence();
        TreeMap<Long, Long> sizes = new TreeMap<>();
        sizes.put(sequence, sizeBytes);
        VolumeRecord record =
                new VolumeRecord(id, name, sequence, engine.scheduler.wallClockMicros(), sizes);
        try {
            // The volume must not be younger than the log that a power failure leaves.
            engine.journal.redo().forceNow(sequence);
            engine.journal.putAttribute(record.key(), record.encode(), true);
        } catch (JournalException failure) {
            discard(id, gold);
            throw failure;
        }
        Volume volume = new Volume(record, gold);
        if (content != null) {
            volume.allocation().addAll(content, sizeBytes);
        }
        engine.volumes.add(volume);
        return info(volume);
    }

    private void discard(int id, GoldImage gold) throws StorageException {
        gold.close();
        GoldImage.delete(engine.volumeDirectory, id);
    }

    static VolumeInfo info(Volume volume) {
        try {
            return volume.info(volume.gold().allocatedBytes());
        } catch (StorageException closed) {
            return volume.info(0);
        }
    }

    CompletableFuture<VolumeInfo> importFrom(String name, StorageFile source, Progress progress) {
        return engine.maintenance
                .submit(() -> beginImport(name, source, progress))
                .thenCompose(VolumeImport::copy)
                .thenCompose(done -> engine.maintenance.submit(() -> endImport(done)))
                .thenCompose(mark ->
                        mark.done()
                                .thenCompose(nothing ->
                                        engine.maintenance.submit(() -> imported(mark.volume()))));
    }

    private VolumeImport beginImport(String name, StorageFile source, Progress progress)
            throws ReplicaException, JournalException, StorageException {
        checkUsable();
        engine.roles.requireActive();
        checkName(name);
        long sizeBytes = source.sizeBytes();
        checkSize(sizeBytes);
        int id = takeId();
        GoldImage gold = GoldImage.create(engine.volumeDirectory, id, sizeBytes);
        reserved.add(name);
        return new VolumeImport(engine, id, name, sizeBytes, source, gold, progress);
    }

    /** The volume is there; the record to come says so to who has the records before it. */
    private Mark endImport(VolumeImport done)
            throws ReplicaException, JournalException, StorageException {
        reserved.remove(done.name());
        Exception failure = done.failure();
        if (failure == null) {
            try {
                engine.roles.requireActive();
                done.gold().force();
            } catch (StorageException | ReplicaException failed) {
                failure = failed;
            }
        }
        if (failure != null) {
            discard(done.id(), done.gold());
            throw Failures.replica(failure);
        }
        rememberImport(done.id(), UNKNOWN);
        var _ = publish(done.id(), done.name(), done.sizeBytes(), done.gold(), done.content());
        Volume volume = engine.volumes.named(done.id());
        Mark mark =
                Mark.resize(
                        done.id(),
                        done.sizeBytes(),
                        resize -> {
                            volume.resizeInHistory(resize.sequence(), done.sizeBytes());
                            volume.importedAt(resize.sequence() - 1);
                        });
        engine.log.write(mark);
        return mark;
    }

    private void rememberImport(int id, long sequence) throws JournalException {
        byte[] value = ByteBuffer.allocate(8).putLong(sequence).array();
        engine.journal.putAttribute(IMPORT + id, value, false);
    }

    private VolumeInfo imported(int id) throws ReplicaException, JournalException {
        rememberImport(id, engine.volumes.named(id).importedAt());
        return endResize(id);
    }

    CompletableFuture<VolumeInfo> resize(int id, long newSizeBytes) {
        return engine.maintenance
                .submit(() -> beginResize(id, newSizeBytes))
                .thenCompose(mark ->
                        mark.done()
                                .thenCompose(
                                        nothing -> engine.maintenance.submit(() -> endResize(id))));
    }

    private Mark beginResize(int id, long newSizeBytes) throws ReplicaException, StorageException {
        checkUsable();
        engine.roles.requireActive();
        Volume volume = engine.volumes.named(id);
        checkSize(newSizeBytes);
        long before = volume.sizeAt(Long.MAX_VALUE);
        if (newSizeBytes < before) {
            throw new ReplicaException(
                    ReplicaException.Kind.INVALID,
                    "volume "
                            + volume.name()
                            + " has "
                            + before
                            + " bytes and cannot shrink to "
                            + newSizeBytes);
        }
        Mark mark = growing(volume, newSizeBytes);
        engine.log.write(mark);
        return mark;
    }

    /** Makes room, and the record to write next. A volume that is larger stays so. */
    private static Mark growing(Volume volume, long newSizeBytes) throws StorageException {
        volume.gold().grow(newSizeBytes);
        return Mark.resize(
                volume.id(),
                newSizeBytes,
                resize ->
                        volume.resizeInHistory(
                                resize.sequence(),
                                Math.max(newSizeBytes, volume.sizeAt(Long.MAX_VALUE))));
    }

    private VolumeInfo endResize(int id) throws ReplicaException, JournalException {
        Volume volume = engine.volumes.named(id);
        volume.forgetSizesBefore(engine.journal.history().tail().sequence());
        // The RESIZE record is durable: the size holds even if the manifest learns it only with the
        // next fold.
        volume.publishSize();
        try {
            volume.save(engine.journal, true);
        } catch (JournalException failure) {
            if (failure.kind() == JournalException.Kind.FAILED) {
                throw failure;
            }
            engine.listener.event(
                    engine.id,
                    "the new size of volume "
                            + volume.name()
                            + " is recorded later: "
                            + failure.getMessage());
        }
        return info(volume);
    }

    /** Takes the volumes of a copy into its new manifest; forced with the next edit. */
    static void recordCopies(
            Journal journal, List<SyncImages.Made> volumes, StreamPosition position)
            throws JournalException {
        int next = 1;
        for (SyncImages.Made volume : volumes) {
            TreeMap<Long, Long> sizes = new TreeMap<>();
            sizes.put(position.sequence(), volume.sizeBytes());
            VolumeRecord record =
                    new VolumeRecord(
                            volume.id(),
                            volume.name(),
                            position.sequence(),
                            position.timeMicros(),
                            sizes);
            journal.putAttribute(record.key(), record.encode(), false);
            next = Math.max(next, volume.id() + 1);
        }
        journal.putAttribute(NEXT_ID, ByteBuffer.allocate(4).putInt(next).array(), false);
    }

    /**
     * The source's names are unique: a volume of the copy that has the name of another one there
     * was deleted, or is about to be told another name. It is kept under one that says so.
     */
    private void makeWay(int id, String name) throws JournalException {
        for (Volume other : engine.volumes.all()) {
            if (other.id() != id && other.name().equalsIgnoreCase(name)) {
                String kept = other.name() + ".deleted-" + other.id();
                engine.listener.event(
                        engine.id,
                        "volume " + other.name() + " has gone at the source: kept here as " + kept);
                named(other, kept);
            }
        }
    }

    private void named(Volume volume, String name) throws JournalException {
        String before = volume.name();
        volume.rename(name);
        try {
            engine.journal.putAttribute(volume.record().key(), volume.record().encode(), true);
        } catch (JournalException failure) {
            volume.rename(before);
            throw failure;
        }
    }

    /** The copy of a volume that the source has made. */
    CompletableFuture<Void> addForFeed(int id, String name, long sizeBytes) {
        return engine.maintenance.submit(() -> {
            checkUsable();
            checkSize(sizeBytes);
            if (engine.volumes.find(id) == null) {
                if (engine.volumes.all().size() >= MAXIMUM_OF_A_COPY) {
                    throw RecordWire.malformed("more than " + MAXIMUM_OF_A_COPY + " volumes");
                }
                makeWay(id, name);
                addCopy(id, name, sizeBytes);
            }
            return null;
        });
    }

    /**
     * Takes up the volumes of the site that this group is going to follow, each as large as it is
     * there. What this site alone has stays. Nothing happens to a group that follows one already.
     */
    CompletableFuture<Void> takeUp(int tenure, List<PointVolume> volumes) {
        return engine.maintenance
                .submit(() -> engine.roles.mayFollow(tenure) ? grow(volumes) : List.<Mark>of())
                .thenCompose(marks ->
                        CompletableFuture.allOf(
                                marks.stream()
                                        .map(this::grown)
                                        .toArray(CompletableFuture<?>[]::new)));
    }

    private CompletableFuture<VolumeInfo> grown(Mark resize) {
        return resize.done()
                .thenCompose(
                        nothing -> engine.maintenance.submit(() -> endResize(resize.volume())));
    }

    private List<Mark> grow(List<PointVolume> volumes)
            throws ReplicaException, JournalException, StorageException {
        checkUsable();
        List<Mark> marks = new ArrayList<>();
        for (PointVolume wanted : volumes) {
            checkSize(wanted.sizeBytes());
            Volume volume = engine.volumes.find(wanted.id());
            if (volume == null) {
                makeWay(wanted.id(), wanted.name());
                addCopy(wanted.id(), wanted.name(), wanted.sizeBytes());
            } else if (volume.sizeAt(Long.MAX_VALUE) < wanted.sizeBytes()) {
                marks.add(growing(volume, wanted.sizeBytes()));
            }
        }
        marks.forEach(engine.log::write);
        return marks;
    }

    private void addCopy(int id, String name, long sizeBytes)
            throws JournalException, StorageException {
        GoldImage gold = GoldImage.create(engine.volumeDirectory, id, sizeBytes);
        keepNextIdAbove(id);
        publish(id, name, sizeBytes, gold, null);
    }

    private void keepNextIdAbove(int id) throws JournalException {
        if (nextId <= id) {
            nextIs(id + 1);
        }
    }

    CompletableFuture<Void> renameForFeed(int id, String name) {
        return engine.maintenance.submit(() -> {
            checkUsable();
            Volume volume = engine.volumes.named(id);
            if (!volume.name().equals(name)) {
                makeWay(id, name);
                named(volume, name);
            }
            return null;
        });
    }

    /** Makes room for a source's RESIZE: the mark is to be written next. */
    CompletableFuture<Mark> growForFeed(int id, long newSizeBytes) {
        return engine.maintenance.submit(() -> {
            checkUsable();
            checkSize(newSizeBytes);
            Mark mark = growing(engine.volumes.named(id), newSizeBytes);
            var _ =
                    mark.done()
                            .thenCompose(nothing -> engine.maintenance.submit(() -> endResize(id)));
            return mark;
        });
    }

    CompletableFuture<Void> rename(int id, String name) {
        return engine.maintenance.submit(() -> {
            checkUsable();
            engine.roles.requireActive();
            Volume volume = engine.volumes.named(id);
            if (!volume.name().equals(name)) {
                checkName(name);
                named(volume, name);
            }
            return null;
        });
    }

    CompletableFuture<Void> remove(int id) {
        return engine.maintenance.submit(() -> {
            checkUsable();
            Volume volume = engine.volumes.named(id);
            checkUnused(volume);
            engine.journal.deleteAttribute(IMPORT + id, false);
            engine.journal.deleteAttribute(volume.record().key(), true);
            engine.volumes.remove(id);
            engine.listener.event(
                    engine.id,
                    "volume "
                            + volume.name()
                            + " (id "
                            + id
                            + ") and its past were deleted as asked");
            discard(id, volume.gold());
            return null;
        });
    }

    private void checkUnused(Volume volume) throws ReplicaException {
        String by = null;
        if (volume.handles().get() > 0) {
            by = volume.handles().get() + " open handles; disconnect them";
        } else if (engine.images.usesVolume(volume.id())) {
            by = "a running recovery test; stop it";
        } else if (viewed.test(volume.id())) {
            by = "an open view; close it";
        } else if (engine.promotions.covers(volume.id())) {
            by = "a rollback or promotion in progress; wait for its end";
        }
        if (by != null) {
            throw new ReplicaException(
                    ReplicaException.Kind.IN_USE,
                    "volume " + volume.name() + " is in use by " + by);
        }
    }

    private void checkUsable() throws ReplicaException {
        var refusal = engine.health.refusal();
        if (refusal != null) {
            throw Failures.replica(refusal);
        }
    }

    private void checkName(String name) throws ReplicaException {
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        if (name.isBlank() || bytes > MAXIMUM_NAME_BYTES) {
            throw new ReplicaException(
                    ReplicaException.Kind.INVALID,
                    "a volume's name has 1 to "
                            + MAXIMUM_NAME_BYTES
                            + " bytes (UTF-8), this one has "
                            + bytes);
        }
        boolean taken = engine.volumes.all().stream().anyMatch(v -> v.name().equals(name));
        if (taken || reserved.contains(name)) {
            throw new ReplicaException(
                    ReplicaException.Kind.EXISTS,
                    "there is a volume named " + name + " already; choose another name");
        }
    }

    private static void checkSize(long sizeBytes) throws ReplicaException {
        if (sizeBytes < 1 || sizeBytes > MAXIMUM_SIZE_BYTES) {
            throw new ReplicaException(
                    ReplicaException.Kind.INVALID,
                    "size " + sizeBytes + " is not between 1 and " + MAXIMUM_SIZE_BYTES);
        }
    }
}
