package dev.tidemark.replica;

import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.journal.Boundary;
import dev.tidemark.journal.Journal;
import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.UndoRunBuilder;
import dev.tidemark.storage.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The steps that move one sealed layer into gold, for {@link Rules#fold} to call in order. A step
 * that is done is not repeated when the fold is tried again after a stall; once the run is
 * published its before-images are never taken again. Of the maintenance executor.
 */
final class FoldSteps {
    static final int BUFFER_BYTES = 1 << 20;
    private static final int GRAIN_BYTES = 4096;

    private final Journal journal;
    private final Volumes volumes;
    private final Meters meters;
    private final Layer layer;
    private final Boundary boundary;
    private ByteBuffer buffer;
    private @Nullable UndoRunBuilder builder;
    private boolean published;
    private boolean overwritten;
    private boolean recorded;

    /**
     * @param published the run is in the manifest already: recovery finishes the fold
     */
    FoldSteps(
            Journal journal,
            Volumes volumes,
            Meters meters,
            Layer layer,
            Boundary boundary,
            ByteBuffer buffer,
            boolean published) {
        this.journal = journal;
        this.volumes = volumes;
        this.meters = meters;
        this.layer = layer;
        this.boundary = boundary;
        this.buffer = buffer;
        this.published = published;
    }

    Layer layer() {
        return layer;
    }

    /** Goes on with another buffer. */
    FoldSteps on(ByteBuffer other) {
        buffer = other;
        return this;
    }

    boolean isPublished() {
        return published;
    }

    /** Step 1: what is going to be in gold is durable in redo. */
    void forceRedo() throws JournalException {
        if (!published) {
            journal.redo().forceNow(boundary.sequence());
        }
    }

    /** Step 2: before-images go into the undo segment. */
    void saveBeforeImages() throws JournalException, StorageException {
        if (published) {
            return;
        }
        UndoRunBuilder run = journal.beginRun(boundary);
        builder = run;
        for (Map.Entry<Integer, ExtentMap> entry : layer.volumes().entrySet()) {
            Volume volume = volumes.find(entry.getKey());
            if (volume != null) {
                new BeforeImages(run, volume, buffer, meters).save(Extents.of(entry.getValue()));
            }
        }
    }

    /** Steps 2 and 3: forces the run, records it, forces that, publishes it to all readers. */
    void publishRun() throws JournalException {
        UndoRunBuilder run = builder;
        if (!published && run != null) {
            run.commit();
            builder = null;
            published = true;
        }
    }

    /** Step 4, first half: the layer's bytes go from redo into gold. */
    void overwriteGold() throws JournalException, StorageException {
        if (overwritten) {
            return;
        }
        for (Map.Entry<Integer, ExtentMap> entry : layer.volumes().entrySet()) {
            Volume volume = volumes.find(entry.getKey());
            if (volume != null) {
                overwrite(volume, Extents.of(entry.getValue()));
            }
        }
        overwritten = true;
    }

    private void overwrite(Volume volume, Extents extents)
            throws JournalException, StorageException {
        buffer.clear();
        long start = 0;
        for (int i = 0; i < extents.count(); i++) {
            meters.foldedBytes.add(extents.length(i));
            if (extents.segment(i) < 0) {
                boolean hole = extents.segment(i) == Layer.ZERO_HOLE;
                volume.gold().zero(extents.offset(i), extents.length(i), hole);
                continue;
            }
            long at = extents.offset(i);
            while (at < extents.end(i)) {
                if (!buffer.hasRemaining() || start + buffer.position() != at) {
                    writeGold(volume, start);
                    start = at;
                }
                int part = (int) Math.min(buffer.remaining(), extents.end(i) - at);
                ByteBuffer target = buffer.slice(buffer.position(), part);
                journal.redo()
                        .read(
                                extents.segment(i),
                                extents.position(i),
                                volume.id(),
                                extents.origin(i),
                                at,
                                target,
                                false);
                buffer.position(buffer.position() + part);
                at += part;
            }
        }
        writeGold(volume, start);
    }

    private void writeGold(Volume volume, long offset) throws StorageException {
        buffer.flip();
        if (buffer.hasRemaining()) {
            meters.goldBytes.add(buffer.remaining());
            volume.gold().write(offset, buffer);
        }
        buffer.clear();
    }

    /** Step 4, second half: gold is durable. A failure is final. */
    void forceGold() throws ForceFailure {
        for (Volume volume : volumes.all()) {
            try {
                if (volume.gold().isDirty()) {
                    volume.gold().force();
                }
            } catch (StorageException failure) {
                throw new ForceFailure(volume.gold().path(), failure);
            }
        }
    }

    /** Step 5: the manifest says where gold is. */
    void recordGold() throws JournalException {
        if (!recorded) {
            journal.goldAt(boundary);
            recorded = true;
        }
    }

    /** Gives up what an unfinished try has begun. */
    void abandon() {
        UndoRunBuilder run = builder;
        builder = null;
        if (run != null) {
            run.abandon();
        }
    }

    /** A failed force of a gold image: the group has failed. */
    static final class ForceFailure extends IOException {
        private static final long serialVersionUID = 1;

        ForceFailure(String path, StorageException cause) {
            super("force of " + path + " failed: " + cause.getMessage(), cause);
        }
    }

    /** Reads before-images of one volume from gold and hands them to the run, zeros as metadata. */
    private record BeforeImages(
            UndoRunBuilder run, Volume volume, ByteBuffer buffer, Meters meters) {

        /** Extents that touch are read as one. */
        void save(Extents extents) throws JournalException, StorageException {
            int i = 0;
            while (i < extents.count()) {
                long start = extents.offset(i);
                long end = extents.end(i);
                i++;
                while (i < extents.count() && extents.offset(i) == end) {
                    end = extents.end(i);
                    i++;
                }
                saveRange(start, end);
            }
        }

        /** Regions never written are zeros without a look. */
        private void saveRange(long start, long end) throws JournalException, StorageException {
            long at = start;
            while (at < end) {
                long data = volume.allocation().dataFrom(at, end);
                if (data > at) {
                    run.addZero(volume.id(), at, data - at);
                    at = data;
                }
                long until = volume.allocation().holeFrom(at, end);
                while (at < until) {
                    int part = (int) Math.min(BUFFER_BYTES, until - at);
                    buffer.clear().limit(part);
                    volume.gold().read(at, buffer, false);
                    saveRead(at, part);
                    at += part;
                }
            }
        }

        /**
         * Hands over what was read, in pieces that are all zero or not, cut at multiples of 4 KiB.
         */
        private void saveRead(long offset, int length) throws JournalException {
            int at = 0;
            while (at < length) {
                boolean zero = isZero(offset, at, length);
                int end = grainEnd(offset, at, length);
                while (end < length && isZero(offset, end, length) == zero) {
                    end = grainEnd(offset, end, length);
                }
                if (zero) {
                    run.addZero(volume.id(), offset + at, end - at);
                } else {
                    meters.beforeImageBytes.add(end - at);
                    run.add(volume.id(), offset + at, buffer.slice(at, end - at));
                }
                at = end;
            }
        }

        private boolean isZero(long offset, int at, int length) {
            return Zeros.areAt(buffer, at, grainEnd(offset, at, length) - at);
        }

        private static int grainEnd(long offset, int at, int length) {
            int within = (int) ((offset + at) % GRAIN_BYTES);
            return Math.min(length, at + GRAIN_BYTES - within);
        }
    }
}
