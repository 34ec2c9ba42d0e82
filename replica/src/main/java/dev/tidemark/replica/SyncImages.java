package dev.tidemark.replica;

import dev.tidemark.journal.RecordKind;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The raw images of a copy while it is made: no journal, no past. They are what the source was at
 * some record only when the last piece has arrived. Blocking; one thread at a time.
 */
public final class SyncImages implements CopyContent, AutoCloseable {
    /** A volume of the copy. */
    record Made(int id, String name, long sizeBytes) {}

    private static final int SEED_BYTES = 4 << 20;
    private static final List<String> JOURNAL_FILES = List.of("manifest-", "redo-", "undo-");

    private final StorageDirectory directory;
    private final StorageDirectory volumes;
    private final Map<Integer, GoldImage> images = new TreeMap<>();
    private final Map<Integer, Made> made = new TreeMap<>();

    private SyncImages(StorageDirectory directory) throws StorageException {
        this.directory = directory;
        this.volumes = directory.directory("volumes");
    }

    /**
     * Begins, or goes on where an attempt before ended: its images are kept, since most of what is
     * in them need not be sent again. What it left of a journal is deleted.
     */
    public static SyncImages open(StorageDirectory directory) throws ReplicaException {
        try {
            for (String name : directory.files()) {
                if (JOURNAL_FILES.stream().anyMatch(name::startsWith)) {
                    directory.delete(name);
                }
            }
            SyncImages images = new SyncImages(directory);
            directory.force();
            return images;
        } catch (StorageException failure) {
            throw Failures.replica(failure);
        }
    }

    StorageDirectory directory() {
        return directory;
    }

    List<Made> volumes() {
        return new ArrayList<>(made.values());
    }

    /** What a step does with the files. */
    private interface Step<T> {
        T run() throws StorageException;
    }

    private static <T> T storage(Step<T> step) throws ReplicaException {
        try {
            return step.run();
        } catch (StorageException failure) {
            throw Failures.replica(failure);
        }
    }

    /** Takes up a volume, or lets it grow. */
    public void volume(int id, String name, long sizeBytes) throws ReplicaException {
        if (id < 1 || sizeBytes < 1 || sizeBytes > VolumeChanges.MAXIMUM_SIZE_BYTES) {
            throw RecordWire.malformed("volume " + id + " of " + sizeBytes + " bytes");
        }
        if (made.size() >= VolumeChanges.MAXIMUM_OF_A_COPY && !made.containsKey(id)) {
            throw RecordWire.malformed("more than " + made.size() + " volumes");
        }
        GoldImage image = storage(() -> openOrCreate(id, sizeBytes));
        storage(() -> {
            image.grow(sizeBytes);
            return image;
        });
        long size = Math.max(sizeBytes, made.containsKey(id) ? existing(id).sizeBytes() : 0);
        images.put(id, image);
        made.put(id, new Made(id, name, size));
    }

    private GoldImage openOrCreate(int id, long sizeBytes) throws StorageException {
        GoldImage open = images.get(id);
        if (open != null) {
            return open;
        }
        return GoldImage.exists(volumes, id)
                ? GoldImage.open(volumes, id)
                : GoldImage.create(volumes, id, sizeBytes);
    }

    private Made existing(int id) throws ReplicaException {
        Made volume = made.get(id);
        if (volume == null) {
            throw RecordWire.malformed("volume " + id + " was not told of");
        }
        return volume;
    }

    private GoldImage within(int id, long offsetBytes, long lengthBytes) throws ReplicaException {
        Made volume = existing(id);
        GoldImage image = images.get(id);
        if (image == null
                || offsetBytes < 0
                || lengthBytes < 0
                || lengthBytes > volume.sizeBytes() - offsetBytes) {
            throw RecordWire.malformed(
                    lengthBytes
                            + " bytes at "
                            + offsetBytes
                            + " of volume "
                            + id
                            + " of "
                            + volume.sizeBytes()
                            + " bytes");
        }
        return image;
    }

    public void rename(int id, String name) throws ReplicaException {
        made.put(id, new Made(id, name, existing(id).sizeBytes()));
    }

    /** What the volumes are called, by volume. */
    public Map<Integer, String> names() {
        Map<Integer, String> names = new TreeMap<>();
        made.forEach((id, volume) -> names.put(id, volume.name()));
        return names;
    }

    /** Gives volumes names, by volume. */
    public void rename(Map<Integer, String> names) {
        names.forEach((id, name) ->
                made.computeIfPresent(
                        id, (same, volume) -> new Made(id, name, volume.sizeBytes())));
    }

    /** The source has deleted a volume: there is no past of it here that could be wanted. */
    public void remove(int id) throws ReplicaException {
        existing(id);
        made.remove(id);
        GoldImage image = images.remove(id);
        storage(() -> {
            if (image != null) {
                image.close();
            }
            GoldImage.delete(volumes, id);
            return id;
        });
    }

    /** Writes the readable bytes, which stay the caller's. */
    public void write(int id, long offsetBytes, ByteBuf bytes) throws ReplicaException {
        GoldImage image = within(id, offsetBytes, bytes.readableBytes());
        storage(() -> {
            long at = offsetBytes;
            for (ByteBuffer part : bytes.nioBuffers()) {
                int length = part.remaining();
                image.write(at, part);
                at += length;
            }
            return id;
        });
    }

    /** Makes a range a hole, unless it reads as zeros already. */
    public void zero(int id, long offsetBytes, long lengthBytes) throws ReplicaException {
        GoldImage image = within(id, offsetBytes, lengthBytes);
        storage(() -> {
            image.zero(offsetBytes, lengthBytes, true);
            return id;
        });
    }

    /**
     * Puts an image in place of what is there of a volume: most of what is in it need not be sent
     * then. Whatever it holds, the copy will be the source. The rest of a volume that is larger is
     * a hole.
     *
     * @param source a raw image, not longer than the volume; stays the caller's
     */
    public void seed(int id, StorageFile source, Progress progress) throws ReplicaException {
        long length = storage(source::sizeBytes);
        GoldImage image = within(id, 0, length);
        zero(id, 0, existing(id).sizeBytes());
        ByteBuf memory = PooledByteBufAllocator.DEFAULT.directBuffer(SEED_BYTES);
        try {
            for (long at = 0; at < length; at += SEED_BYTES) {
                ByteBuffer piece = memory.nioBuffer(0, (int) Math.min(SEED_BYTES, length - at));
                long begin = at;
                storage(() -> {
                    source.read(begin, piece);
                    Zeros.fill(piece);
                    DataParts.each(piece, (offset, bytes) -> image.write(begin + offset, bytes));
                    return id;
                });
                progress.advanced(Math.min(length, at + SEED_BYTES), length);
            }
        } finally {
            memory.release();
        }
    }

    @Override
    public void read(int id, long offsetBytes, ByteBuffer target) throws ReplicaException {
        GoldImage image = within(id, offsetBytes, target.remaining());
        storage(() -> image.read(offsetBytes, target, false));
    }

    @Override
    public <T> List<T> allocated(
            int id, long offsetBytes, long lengthBytes, int limit, RangeMaker<T> maker)
            throws ReplicaException {
        GoldImage image = within(id, offsetBytes, lengthBytes);
        return storage(() -> image.dataRanges(offsetBytes, lengthBytes, limit, maker));
    }

    /**
     * Applies a batch of records, in the order of the batches; those of volumes that are gone are
     * passed over.
     *
     * @param batch as {@link Shipment#next} made it
     */
    public void apply(ByteBuf batch) throws ReplicaException {
        int count = RecordWire.count(batch);
        RecordWire record = new RecordWire();
        for (int i = 0; i < count; i++) {
            record.decode(batch);
            if (made.containsKey(record.volume)) {
                apply(record);
            }
        }
        RecordWire.requireEnd(batch);
    }

    private void apply(RecordWire record) throws ReplicaException {
        int id = record.volume;
        if (record.kind == RecordKind.WRITE) {
            write(id, record.offsetBytes, record.payload);
        } else if (record.kind == RecordKind.ZERO) {
            zero(id, record.offsetBytes, record.lengthBytes);
        } else if (record.kind == RecordKind.RESIZE) {
            volume(id, existing(id).name(), record.lengthBytes);
        }
    }

    /** Makes everything durable. */
    public void force() throws ReplicaException {
        storage(() -> {
            for (GoldImage image : images.values()) {
                image.force();
            }
            volumes.force();
            directory.force();
            return images;
        });
    }

    /** Closes the files, which stay. Idempotent. */
    @Override
    public void close() {
        for (GoldImage image : images.values()) {
            try {
                image.close();
            } catch (StorageException failure) {
                // What counts was forced; the rest is sent again.
            }
        }
        images.clear();
    }
}
