package dev.tidemark.journal;

import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The segment files of one kind in one directory, drawn from a pool. Thread-safe.
 *
 * <p>Numbers grow and are never used twice while the store is open.
 */
final class SegmentStore {
    private static final int SCAN_BYTES = 1 << 20;

    /** Times room is made for one segment before it is given up. */
    private static final int MAXIMUM_ATTEMPTS = 8;

    /**
     * What a store works with.
     *
     * @param owner id of the group or image the segments belong to
     * @param makeRoom asked when there is no unit or no room on the file system; returns whether to
     *     try again
     * @param forceFailed told when a force failed
     */
    record Context(
            UUID owner,
            StorageDirectory directory,
            SegmentPool pool,
            LongSupplier clockMicros,
            Counters counters,
            JournalListener listener,
            BooleanSupplier makeRoom,
            Consumer<JournalException> forceFailed) {}

    private final SegmentKind kind;
    private final int unitBytes;
    private final boolean preallocate;
    private final Context context;
    private final StorageDirectory directory;
    private final SegmentPool pool;
    private final ConcurrentNavigableMap<Long, Segment> segments = new ConcurrentSkipListMap<>();
    private final AtomicLong lastNumber = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();

    private SegmentStore(SegmentKind kind, int unitBytes, boolean preallocate, Context context) {
        this.kind = kind;
        this.unitBytes = unitBytes;
        this.preallocate = preallocate;
        this.context = context;
        this.directory = context.directory();
        this.pool = context.pool();
    }

    /**
     * Opens what is there and verifies the headers; deletes files whose making a crash cut short.
     * Blocking.
     */
    static SegmentStore open(SegmentKind kind, int unitBytes, boolean preallocate, Context context)
            throws JournalException {
        SegmentStore store = new SegmentStore(kind, unitBytes, preallocate, context);
        StorageDirectory directory = context.directory();
        boolean opened = false;
        try {
            for (String name : directory.files()) {
                long number = kind.numberOf(name);
                if (number > 0) {
                    store.openFile(name, number);
                }
            }
            opened = true;
            return store;
        } catch (StorageException failure) {
            throw JournalException.of("opening the segments in " + directory.path(), failure);
        } finally {
            if (!opened) {
                store.close();
            }
        }
    }

    private void openFile(String name, long number) throws StorageException, JournalException {
        lastNumber.accumulateAndGet(number, Math::max);
        StorageFile file = directory.open(name);
        boolean kept = false;
        try {
            ByteBuffer start = ByteBuffer.allocate(SegmentHeader.BYTES);
            file.read(0, start);
            start.flip();
            if (SegmentHeader.isIntact(start)) {
                SegmentHeader header =
                        SegmentHeader.decode(start, file.path(), kind, context.owner(), number);
                requireWhole(file, header);
                add(new Segment(this, header, file));
                kept = true;
            } else if (isUnfinished(file)) {
                context.listener()
                        .event(file.path() + " was never finished by its maker and is deleted");
                directory.delete(name);
            } else {
                throw new JournalException(
                        JournalException.Kind.CORRUPT,
                        file.path()
                                + " holds data behind a header that does not match its checksum:"
                                + " the file is damaged or foreign; restore it from a copy, or move"
                                + " it away to give up what is in it");
            }
        } finally {
            if (!kept) {
                file.close();
            }
        }
    }

    /**
     * A file is as long as its unit, durably, before its header says that it is used and before
     * anything is put behind that: a shorter one has lost its end.
     */
    private void requireWhole(StorageFile file, SegmentHeader header)
            throws StorageException, JournalException {
        long found = file.sizeBytes();
        boolean isShort = preallocate && found < header.unitBytes();
        if (isShort && (header.used() || !isUnfinished(file))) {
            throw new JournalException(
                    JournalException.Kind.CORRUPT,
                    file.path()
                            + " is cut short: it has "
                            + found
                            + " bytes, its unit "
                            + header.unitBytes()
                            + "; nothing was changed; restore the file from a copy");
        }
    }

    /** The header is forced before anything is put behind it. */
    private static boolean isUnfinished(StorageFile file) throws StorageException {
        ByteBuffer buffer = ByteBuffer.allocate(SCAN_BYTES);
        long position = SegmentHeader.RESERVED_BYTES;
        while (true) {
            int count = file.read(position, buffer.clear());
            if (count == 0) {
                return true;
            }
            for (int i = 0; i < count; i++) {
                if (buffer.get(i) != 0) {
                    return false;
                }
            }
            position += count;
        }
    }

    private void add(Segment segment) {
        publish(segment);
        if (preallocate) {
            pool.adopt(segment.unitBytes());
        }
    }

    private void publish(Segment segment) {
        if (kind == SegmentKind.UNDO) {
            // Before-images are pages that lie anywhere.
            segment.file().expectSmallReads();
        }
        segments.put(segment.number(), segment);
        bytes.addAndGet(segment.unitBytes());
    }

    /**
     * Makes the next segment: a unit from the pool, the file, its blocks, the header; file and
     * directory forced. Blocking.
     *
     * @throws JournalException NO_SPACE or IO, after which nothing is left behind; FAILED when a
     *     force failed
     */
    Segment create() throws JournalException {
        for (int attempt = 1; ; attempt++) {
            try {
                return createOnce();
            } catch (JournalException failure) {
                if (failure.kind() != JournalException.Kind.NO_SPACE
                        || attempt > MAXIMUM_ATTEMPTS
                        || !context.makeRoom().getAsBoolean()) {
                    throw failure;
                }
            }
        }
    }

    /** Like {@link #create}, budget or not: a log that cannot be opened gives nothing back. */
    Segment createToOpen() throws JournalException {
        if (preallocate) {
            pool.adopt(unitBytes);
        }
        return make();
    }

    private Segment createOnce() throws JournalException {
        if (preallocate && !pool.tryAcquire(kind, unitBytes)) {
            throw poolFull();
        }
        return make();
    }

    /** The unit is on the pool's account already. */
    private Segment make() throws JournalException {
        long number = lastNumber.incrementAndGet();
        String name = kind.fileName(number);
        @Nullable StorageFile file = null;
        boolean made = false;
        try {
            file = directory.create(name);
            Segment segment = new Segment(this, newHeader(number), file);
            prepare(segment);
            publish(segment);
            context.counters().createdUnits.increment();
            made = true;
            return segment;
        } catch (StorageException failure) {
            throw JournalException.of("making segment " + name, failure);
        } finally {
            if (!made) {
                undoCreate(name, file);
            }
        }
    }

    private JournalException poolFull() {
        return new JournalException(
                JournalException.Kind.NO_SPACE,
                "the pool has no unit of "
                        + unitBytes
                        + " bytes left for "
                        + directory.path()
                        + ": "
                        + pool.usedBytes()
                        + " of "
                        + pool.budgetBytes()
                        + " bytes are in use; enlarge the pool or shorten the history");
    }

    private SegmentHeader newHeader(long number) {
        return new SegmentHeader(
                kind,
                context.owner(),
                number,
                context.clockMicros().getAsLong(),
                0,
                0,
                0,
                0,
                0,
                unitBytes,
                0,
                0);
    }

    private void prepare(Segment segment) throws StorageException, JournalException {
        StorageFile file = segment.file();
        if (preallocate) {
            file.preallocate(segment.unitBytes());
        }
        ByteBuffer header = ByteBuffer.allocate(SegmentHeader.RESERVED_BYTES);
        segment.header().encode(header);
        file.write(0, header.clear());
        force(segment);
        try {
            directory.force();
        } catch (StorageException failure) {
            throw failed(directory.path(), failure);
        }
    }

    /** Forces a segment's file. A failure is final. */
    static void force(Segment segment) throws JournalException {
        try {
            segment.file().force();
        } catch (StorageException failure) {
            throw segment.store().failed(segment.file().path(), failure);
        }
    }

    private JournalException failed(String path, StorageException failure) {
        JournalException told = forceFailed(path, failure);
        context.forceFailed().accept(told);
        return told;
    }

    static JournalException forceFailed(String path, StorageException failure) {
        return new JournalException(
                JournalException.Kind.FAILED,
                "forcing "
                        + path
                        + " failed ("
                        + failure.getMessage()
                        + "): what was written may be lost, so the journal stops; check the disk,"
                        + " then restart the gateway",
                failure);
    }

    private void undoCreate(String name, @Nullable StorageFile file) {
        try {
            if (file != null) {
                file.close();
                directory.delete(name);
            }
        } catch (StorageException failure) {
            context.listener().event("left-over " + name + " stays: " + failure.getMessage());
        }
        if (preallocate) {
            pool.release(unitBytes);
        }
    }

    /** The segment of that number, or null. */
    @Nullable Segment segment(long number) {
        return segments.get(number);
    }

    /** The segment of that number with a reader counted; null when it has gone. */
    @Nullable Segment retained(long number) {
        Segment segment = segments.get(number);
        return segment != null && segment.tryRetain() ? segment : null;
    }

    /** All segments, ascending. */
    List<Segment> segments() {
        return List.copyOf(segments.values());
    }

    StorageDirectory directory() {
        return directory;
    }

    int unitBytes() {
        return unitBytes;
    }

    /** Takes a segment out; its file is deleted and its unit given back when nobody reads it. */
    void retire(Segment segment) {
        if (segments.remove(segment.number(), segment)) {
            segment.release();
        }
    }

    /** The last holder has gone. */
    void delete(Segment segment) {
        try {
            segment.file().close();
            directory.delete(kind.fileName(segment.number()));
        } catch (StorageException failure) {
            context.listener()
                    .event(
                            "deleting "
                                    + segment.file().path()
                                    + " failed, the next start tries again: "
                                    + failure.getMessage());
        }
        bytes.addAndGet(-segment.unitBytes());
        context.counters().freedUnits.increment();
        if (preallocate) {
            pool.release(segment.unitBytes());
            pool.roomMade();
        }
    }

    /** Bytes of the units held, retired ones with readers included. */
    long bytes() {
        return bytes.get();
    }

    /** Closes the files and takes the units off the pool's account. */
    void close() {
        for (Segment segment : segments.values()) {
            segments.remove(segment.number());
            try {
                segment.file().close();
            } catch (StorageException failure) {
                context.listener()
                        .event("closing " + segment.file().path() + ": " + failure.getMessage());
            }
            if (preallocate) {
                pool.release(segment.unitBytes());
            }
        }
        if (preallocate) {
            pool.roomMade();
        }
    }
}
