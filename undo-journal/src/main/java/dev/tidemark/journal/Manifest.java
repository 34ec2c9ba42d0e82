package dev.tidemark.journal;

import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is true of a journal, as an append-only file of edits; when it has grown, the state is
 * written into the file with the next number and the old one goes. Thread-safe; all changes block.
 *
 * <p>A write that failed leaves unknown bytes behind, so the next change goes into a new file. A
 * force that failed is final.
 */
final class Manifest {
    /** What a manifest works with. */
    record Context(
            StorageDirectory directory,
            Counters counters,
            JournalListener listener,
            Consumer<JournalException> forceFailed) {}

    /** Hears under the manifest's lock how much of it is on stable storage. */
    interface ForceListener {
        void forced(ManifestWitness witness);
    }

    static final String PREFIX = "manifest-";

    /** Space is allocated in steps, so that an edit that makes room finds room. */
    private static final int STEP_BYTES = 64 << 10;

    /** A file is not written anew before it has grown by this. */
    private static final int COMPACT_BYTES = 1 << 20;

    private final Context context;
    private final UUID group;
    private final ManifestState state;
    private final ReentrantLock lock = new ReentrantLock();
    private final EditBuffer edits = new EditBuffer();

    // Guarded by lock.
    private StorageFile file;
    private long number;
    private long createdMicros;
    private int position;
    private int forcedPosition;
    private int snapshotBytes;
    private int allocatedBytes;
    private boolean poisoned;

    /** Files beside this one when it was opened, which go with it. */
    private List<String> others = List.of();

    /** What failed when a force did; nothing is appended after it. Guarded by lock. */
    private @Nullable JournalException forceFailure;

    private boolean closed;
    private ForceListener onForced = witness -> {};

    /** Gold as the forced part of the file has it. */
    private volatile Boundary durableGold;

    /** A file that was read, or just made: {@code position} is the end of its edits. */
    private Manifest(
            Context context,
            ManifestFormat.Header header,
            ManifestState state,
            StorageFile file,
            int position,
            int snapshotBytes) {
        this.context = context;
        this.group = header.group();
        this.number = header.number();
        this.createdMicros = header.createdMicros();
        this.state = state;
        this.file = file;
        this.position = position;
        this.snapshotBytes = snapshotBytes;
        this.forcedPosition = position;
        this.durableGold = state.gold();
    }

    static String fileName(long number) {
        return PREFIX + String.format("%016x", number);
    }

    static boolean exists(StorageDirectory directory) throws StorageException {
        return directory.files().stream().anyMatch(name -> name.startsWith(PREFIX));
    }

    /** Makes the first manifest of a journal: its existence makes the journal exist. Blocking. */
    static Manifest create(Context context, UUID group, Boundary origin, int epoch)
            throws JournalException {
        ManifestState state = new ManifestState();
        state.apply(new ManifestEdit.TailAt(origin, epoch));
        ManifestFormat.Header header = new ManifestFormat.Header(group, 1, origin.timeMicros());
        EditBuffer bytes = new EditBuffer();
        StorageFile file = writeSnapshot(context, header, state, bytes);
        return new Manifest(context, header, state, file, bytes.bytes(), bytes.bytes());
    }

    /**
     * Reads the newest manifest there is and changes nothing yet. The first change, or {@link
     * #force}, goes on in a new file: behind a torn end nothing is written, and what an earlier
     * process wrote may be in the system's cache only, clean after a force that failed, so that
     * another force would not write it. Blocking.
     */
    static Manifest open(Context context) throws JournalException {
        ManifestReader.Found found = ManifestReader.find(context.directory());
        Manifest manifest =
                new Manifest(
                        context,
                        found.header(),
                        found.state(),
                        found.file(),
                        found.endPosition(),
                        found.snapshotBytes());
        manifest.poisoned = true;
        manifest.others = found.others();
        return manifest;
    }

    UUID group() {
        return group;
    }

    /** From here on somebody else keeps how much of this is on stable storage. */
    void onForced(ForceListener listener) {
        lock.lock();
        try {
            onForced = listener;
            tellForced();
        } finally {
            lock.unlock();
        }
    }

    private void tellForced() {
        onForced.forced(new ManifestWitness(number, forcedPosition));
    }

    long createdMicros() {
        return createdMicros;
    }

    ManifestState state() {
        return state;
    }

    /** Gold as it would be found after power loss at this moment. */
    Boundary durableGold() {
        return durableGold;
    }

    /**
     * Appends edits in one write, durably when {@code force}. On failure none of them is applied.
     */
    void append(List<ManifestEdit> changes, boolean force) throws JournalException {
        lock.lock();
        try {
            requireOpen();
            if (poisoned || position > 2 * snapshotBytes + COMPACT_BYTES) {
                compact();
            }
            write(changes);
            if (force) {
                forceFile();
            }
            for (ManifestEdit change : changes) {
                boolean fits = state.apply(change);
                assert fits : change;
            }
            if (force) {
                durableGold = state.gold();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Makes everything appended so far durable. */
    void force() throws JournalException {
        lock.lock();
        try {
            requireOpen();
            if (poisoned) {
                compact();
            } else if (forcedPosition < position) {
                forceFile();
            }
            durableGold = state.gold();
        } finally {
            lock.unlock();
        }
    }

    private void requireOpen() throws JournalException {
        if (forceFailure != null) {
            throw new JournalException(
                    JournalException.Kind.FAILED,
                    "the manifest takes nothing after a failed force: " + forceFailure.getMessage(),
                    forceFailure);
        }
        if (closed) {
            throw new JournalException(JournalException.Kind.CLOSED, "the journal is closed");
        }
    }

    private void write(List<ManifestEdit> changes) throws JournalException {
        edits.clear();
        for (ManifestEdit change : changes) {
            ManifestFormat.encode(
                    change, number, (long) position + edits.bytes(), forcedPosition, edits);
        }
        allocate(edits.bytes());
        try {
            file.write(position, edits.content());
        } catch (StorageException failure) {
            poisoned = true;
            throw JournalException.of("writing the manifest", failure);
        }
        position += edits.bytes();
        context.counters().manifestEdits.add(changes.size());
    }

    private void allocate(int bytes) {
        if (position + bytes + STEP_BYTES / 2 <= allocatedBytes) {
            return;
        }
        try {
            file.preallocate(position + bytes + STEP_BYTES);
            allocatedBytes = position + bytes + STEP_BYTES;
        } catch (StorageException noRoomAhead) {
            // The write itself may still find room.
            allocatedBytes = Math.max(allocatedBytes, position);
        }
    }

    private void forceFile() throws JournalException {
        try {
            file.force();
        } catch (StorageException failure) {
            forceFailure = failed(context, file.path(), failure);
            throw forceFailure;
        }
        context.counters().manifestForces.increment();
        forcedPosition = position;
        tellForced();
    }

    private static JournalException failed(Context context, String path, StorageException cause) {
        JournalException told = SegmentStore.forceFailed(path, cause);
        context.forceFailed().accept(told);
        return told;
    }

    /** Writes the state into the next file and goes on there. */
    private void compact() throws JournalException {
        ManifestFormat.Header header = new ManifestFormat.Header(group, number + 1, createdMicros);
        edits.clear();
        StorageFile next = writeSnapshot(context, header, state, edits);
        closeFile();
        try {
            context.directory().delete(fileName(number));
        } catch (StorageException failure) {
            context.listener()
                    .event("old manifest " + fileName(number) + " stays: " + failure.getMessage());
        }
        file = next;
        deleteOthers(header.number());
        number = header.number();
        position = edits.bytes();
        forcedPosition = position;
        snapshotBytes = position;
        allocatedBytes = 0;
        poisoned = false;
        durableGold = state.gold();
        tellForced();
    }

    private static StorageFile writeSnapshot(
            Context context, ManifestFormat.Header header, ManifestState state, EditBuffer bytes)
            throws JournalException {
        String name = fileName(header.number());
        StorageDirectory directory = context.directory();
        ManifestFormat.encodeHeader(header, bytes.ensure(ManifestFormat.HEADER_BYTES));
        state.snapshot(
                edit -> ManifestFormat.encode(edit, header.number(), bytes.bytes(), 0, bytes));
        @Nullable StorageFile file = null;
        boolean made = false;
        try {
            if (directory.exists(name)) {
                directory.delete(name);
            }
            file = directory.create(name);
            ByteBuffer content = bytes.content();
            file.write(0, content);
            forceNew(context, file);
            made = true;
            return file;
        } catch (StorageException failure) {
            throw JournalException.of("writing manifest " + name, failure);
        } finally {
            if (!made && file != null) {
                discard(context, name, file);
            }
        }
    }

    private static void forceNew(Context context, StorageFile file) throws JournalException {
        try {
            file.force();
            context.directory().force();
        } catch (StorageException failure) {
            throw failed(context, file.path(), failure);
        }
        context.counters().manifestForces.increment();
    }

    private static void discard(Context context, String name, StorageFile file) {
        try {
            file.close();
            context.directory().delete(name);
        } catch (StorageException failure) {
            context.listener().event("unfinished " + name + " stays: " + failure.getMessage());
        }
    }

    private void deleteOthers(long kept) {
        for (String name : others) {
            try {
                if (!name.equals(fileName(kept)) && context.directory().exists(name)) {
                    context.directory().delete(name);
                    context.listener().event(name + " is superseded or unfinished and is deleted");
                }
            } catch (StorageException failure) {
                context.listener().event(name + " stays: " + failure.getMessage());
            }
        }
        others = List.of();
    }

    private void closeFile() {
        try {
            file.close();
        } catch (StorageException failure) {
            context.listener().event("closing " + file.path() + ": " + failure.getMessage());
        }
    }

    /** Forces what was appended and closes the file. Idempotent. */
    void close() throws JournalException {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            if (forcedPosition < position) {
                forceFile();
            }
        } finally {
            if (!closed) {
                closed = true;
                closeFile();
            }
            lock.unlock();
        }
    }

    /** Closes the file as it is, after a failure. */
    void abandon() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                closeFile();
            }
        } finally {
            lock.unlock();
        }
    }
}
