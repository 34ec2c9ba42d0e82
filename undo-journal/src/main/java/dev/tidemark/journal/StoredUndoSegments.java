package dev.tidemark.journal;

import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Undo segments that are storage units of the pool. A segment that is read stays until the read is
 * over, although retention retired it.
 */
final class StoredUndoSegments implements UndoSegments {
    /** Of the newest before-images, so much may stay in the page cache. */
    private static final int CACHED_BYTES = 256 << 20;

    private static final int RECENT = 1024;

    private final SegmentStore store;
    private final JournalListener listener;

    /** Saves the look into the store; a lost update is repeated, no more. */
    private final @Nullable Segment[] recent = new @Nullable Segment[RECENT];

    StoredUndoSegments(SegmentStore store, JournalListener listener) {
        this.store = store;
        this.listener = listener;
    }

    @Override
    public int next(int segment) throws JournalException {
        int number = Math.toIntExact(store.create().number());
        assert number > segment : number + " after " + segment;
        uncacheOld();
        return number;
    }

    /**
     * Before-images are written all the time and read seldom: the page cache keeps the newest for
     * views of moments ago, and the rest of its memory for gold.
     */
    private void uncacheOld() {
        int kept = Math.max(2, CACHED_BYTES / store.unitBytes());
        List<Segment> all = store.segments();
        if (all.size() > kept) {
            Segment leaving = all.get(all.size() - 1 - kept);
            leaving.file().uncache(0, leaving.unitBytes());
        }
    }

    @Override
    public void discard(int segment) {
        Segment unused = store.segment(segment);
        if (unused != null) {
            store.retire(unused);
        }
    }

    @Override
    public int headerBytes() {
        return SegmentHeader.RESERVED_BYTES;
    }

    @Override
    public int capacityBytes(int segment) throws JournalException {
        Segment held = hold(segment);
        held.release();
        return held.unitBytes();
    }

    @Override
    public void write(int segment, int position, ByteBuffer source) throws JournalException {
        Segment held = hold(segment);
        int lengthBytes = source.remaining();
        try {
            held.file().write(position, source);
            held.file().writeSoon(position, lengthBytes);
        } catch (StorageException failure) {
            throw JournalException.of("append to the undo log", failure);
        } finally {
            held.release();
        }
    }

    @Override
    public void force(int segment) throws JournalException {
        Segment held = hold(segment);
        try {
            SegmentStore.force(held);
        } finally {
            held.release();
        }
    }

    @Override
    public boolean read(int segment, int position, ByteBuffer target, boolean cachedOnly)
            throws JournalException {
        Segment held = hold(segment);
        try {
            int wantedBytes = target.remaining();
            StorageFile file = held.file();
            int readBytes =
                    cachedOnly ? file.readIfCached(position, target) : file.read(position, target);
            if (cachedOnly && readBytes == StorageFile.WOULD_BLOCK) {
                return false;
            }
            if (readBytes < wantedBytes) {
                throw corrupt(
                        segment,
                        position,
                        wantedBytes + " bytes expected, the file ends after " + readBytes);
            }
            return true;
        } catch (StorageException failure) {
            throw JournalException.of("read of the undo log", failure);
        } finally {
            held.release();
        }
    }

    private Segment hold(int segment) throws JournalException {
        int slot = segment & (RECENT - 1);
        Segment held = recent[slot];
        if (held == null || held.number() != segment || !held.tryRetain()) {
            held = store.retained(segment);
            recent[slot] = held;
        }
        if (held == null) {
            throw corrupt(
                    segment,
                    0,
                    "the undo segment is missing, or its history expired under a reader without a pin");
        }
        return held;
    }

    @Override
    public int oldest() {
        List<Segment> all = store.segments();
        return all.isEmpty() ? 0 : Math.toIntExact(all.get(0).number());
    }

    @Override
    public int retireBefore(int segment) {
        int count = 0;
        for (Segment each : store.segments()) {
            if (each.number() < segment) {
                store.retire(each);
                count++;
            }
        }
        return count;
    }

    @Override
    public void retireAfter(int segment) {
        for (Segment each : store.segments()) {
            if (each.number() > segment) {
                store.retire(each);
            }
        }
    }

    @Override
    public JournalException corrupt(int segment, int position, String detail) {
        Segment known = store.segment(segment);
        String path = known == null ? "undo segment " + segment : known.file().path();
        listener.corrupt(path, position, detail);
        return new JournalException(
                JournalException.Kind.CORRUPT, path + " at position " + position + ": " + detail);
    }
}
