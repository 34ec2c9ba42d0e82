package dev.tidemark.replica;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The gold replica of one volume: a plain, sparse raw image. Only the fold writes it, on the
 * group's maintenance executor; reads come from any thread.
 */
final class GoldImage {
    static final String FILE = "gold.raw";

    /** From here on it is worth a call that the disk begins before the force. */
    private static final int WRITE_SOON_BYTES = 64 << 10;

    /**
     * Zeros that shall not leave holes take room only as long as this much is left for everything
     * else: they cost a host nothing, and a fold that runs out of room stops them all.
     */
    static final long ZEROS_LEAVE_BYTES = 1L << 30;

    private static final long ZEROS_STEP_BYTES = 64 << 20;

    private final StorageDirectory directory;
    private final StorageFile file;

    /** Written since the last force; of the maintenance executor. */
    private boolean dirty;

    private GoldImage(StorageDirectory directory, StorageFile file) {
        this.directory = directory;
        this.file = file;
    }

    /** Makes the file and its directory durable. */
    static GoldImage create(StorageDirectory volumes, int id, long sizeBytes)
            throws StorageException {
        volumes.deleteDirectory(directoryName(id));
        StorageDirectory directory = volumes.directory(directoryName(id));
        volumes.force();
        StorageFile file = directory.create(FILE);
        GoldImage image = new GoldImage(directory, file);
        image.grow(sizeBytes);
        directory.force();
        return image;
    }

    /**
     * Whether there is one to open: its directory alone is what a crash amid {@link #create} left.
     */
    static boolean exists(StorageDirectory volumes, int id) throws StorageException {
        String name = directoryName(id);
        return volumes.directories().contains(name) && volumes.directory(name).exists(FILE);
    }

    static GoldImage open(StorageDirectory volumes, int id) throws StorageException {
        StorageDirectory directory = volumes.directory(directoryName(id));
        return new GoldImage(directory, directory.open(FILE));
    }

    /** Longer than its volume after a crash that came between growing the file and the resize. */
    long sizeBytes() throws StorageException {
        return file.sizeBytes();
    }

    static void delete(StorageDirectory volumes, int id) throws StorageException {
        volumes.deleteDirectory(directoryName(id));
        volumes.force();
    }

    static String directoryName(int id) {
        return Integer.toString(id);
    }

    /**
     * Makes the file at least this long, durably. After a failure it is as long as before: a length
     * that only the system's cache knows would be taken for durable the next time.
     */
    void grow(long sizeBytes) throws StorageException {
        long before = file.sizeBytes();
        if (before >= sizeBytes) {
            return;
        }
        file.truncate(sizeBytes);
        try {
            file.force();
        } catch (StorageException failure) {
            try {
                file.truncate(before);
            } catch (StorageException also) {
                failure.addSuppressed(also);
            }
            throw failure;
        }
    }

    /**
     * Fills {@code target}; zeros past the end. Returns false when {@code cachedOnly} and a disk
     * would have to be waited for.
     */
    boolean read(long offsetBytes, ByteBuffer target, boolean cachedOnly) throws StorageException {
        int count =
                cachedOnly
                        ? file.readIfCached(offsetBytes, target)
                        : file.read(offsetBytes, target);
        if (count == StorageFile.WOULD_BLOCK) {
            return false;
        }
        Zeros.fill(target);
        return true;
    }

    void write(long offsetBytes, ByteBuffer data) throws StorageException {
        dirty = true;
        int lengthBytes = data.remaining();
        file.write(offsetBytes, data);
        if (lengthBytes >= WRITE_SOON_BYTES) {
            file.writeSoon(offsetBytes, lengthBytes);
        }
    }

    /**
     * Makes a range read as zeros. {@code deallocate} gives its space back; otherwise what is
     * allocated stays so, and holes are filled while there is room ({@link #ZEROS_LEAVE_BYTES}).
     */
    void zero(long offsetBytes, long lengthBytes, boolean deallocate) throws StorageException {
        dirty = true;
        if (deallocate) {
            file.punchHole(offsetBytes, lengthBytes);
            return;
        }
        long end = offsetBytes + lengthBytes;
        for (long at = offsetBytes; at < end; ) {
            long data = Math.min(end, file.dataFrom(at));
            fillHole(at, data);
            long hole = data < end ? Math.min(end, file.holeFrom(data)) : end;
            writeZeros(data, hole);
            at = hole;
        }
    }

    private void fillHole(long offsetBytes, long end) throws StorageException {
        for (long at = offsetBytes; at < end; ) {
            long next = Math.min(end, at + ZEROS_STEP_BYTES);
            if (directory.usableBytes() - (next - at) < ZEROS_LEAVE_BYTES) {
                return;
            }
            writeZeros(at, next);
            at = next;
        }
    }

    private void writeZeros(long offsetBytes, long end) throws StorageException {
        for (long at = offsetBytes; at < end; ) {
            ByteBuffer zeros = Zeros.buffer((int) Math.min(end - at, Zeros.BYTES));
            int count = zeros.remaining();
            file.write(at, zeros);
            at += count;
        }
    }

    boolean isDirty() {
        return dirty;
    }

    /** Makes everything written durable. A failure is final for the group. */
    void force() throws StorageException {
        file.force();
        dirty = false;
    }

    /**
     * Puts {@link Allocation} bits over a range: data and holes as the file system tells them, and
     * zeros where {@code written} knows better. What lies past the end of the file is a hole.
     *
     * @return where it stopped because the map had {@code limit} extents; the range's end if not
     */
    long allocation(
            long offsetBytes, long lengthBytes, AllocationMap written, int limit, ExtentMap into)
            throws StorageException {
        long end = offsetBytes + lengthBytes;
        long at = offsetBytes;
        while (at < end && into.count() < limit) {
            // Where nothing was ever written, room may have been taken all the same, for zeros.
            long known = written.dataFrom(at, end);
            boolean zeros = known != at;
            if (!zeros) {
                known = written.holeFrom(at, end);
            }
            long data = Math.min(known, file.dataFrom(at));
            long hole = data < known ? Math.min(known, file.holeFrom(data)) : data;
            into.put(at, data - at, Allocation.HOLE | Allocation.ZERO, 0);
            into.put(data, hole - data, zeros ? Allocation.ZERO : 0, 0);
            at = hole;
        }
        return at;
    }

    /** The parts of a range that hold data, as the file system knows it, at most {@code limit}. */
    <T> List<T> dataRanges(
            long offsetBytes, long lengthBytes, int limit, CopyContent.RangeMaker<T> maker)
            throws StorageException {
        List<T> ranges = new ArrayList<>();
        long end = offsetBytes + lengthBytes;
        long at = file.dataFrom(offsetBytes);
        while (at < end && ranges.size() < limit) {
            long hole = Math.min(end, file.holeFrom(at));
            ranges.add(maker.range(at, hole - at));
            at = file.dataFrom(hole);
        }
        return ranges;
    }

    /** Tells a map where the file holds data, as the file system knows it. */
    void addData(long sizeBytes, AllocationMap into) throws StorageException {
        long at = file.dataFrom(0);
        while (at < sizeBytes) {
            long hole = Math.min(sizeBytes, file.holeFrom(at));
            into.add(at, hole - at);
            at = file.dataFrom(hole);
        }
    }

    long allocatedBytes() throws StorageException {
        return file.allocatedBytes();
    }

    String path() {
        return file.path();
    }

    void close() throws StorageException {
        file.close();
    }
}
