package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Builds the undo run of one interval: before-images in ascending (volume, offset) order, streamed
 * to the undo segment. One thread at a time; all methods may wait for a disk.
 */
public final class UndoRunBuilder {
    private static final ByteBuffer ZEROS =
            ByteBuffer.allocateDirect(IndexFormat.IMAGE_BYTES).asReadOnlyBuffer();

    private final UndoLog log;
    private final Boundary to;
    private final int epoch;
    private final UndoStage stage;
    private final IndexTreeWriter index;
    private int lastVolume;
    private long lastEndBytes;
    private long dataBytes;
    private boolean ended;

    UndoRunBuilder(UndoLog log, Boundary to, int epoch, UndoStage stage) {
        this.log = log;
        this.to = to;
        this.epoch = epoch;
        this.stage = stage;
        this.index = new IndexTreeWriter(stage, 0, to.run());
        stage.restart();
    }

    /** Adds the remaining bytes of {@code beforeImage}; bytes that are all zero become metadata. */
    public void add(int volume, long offsetBytes, ByteBuffer beforeImage) throws JournalException {
        advance(volume, offsetBytes, beforeImage.remaining());
        long nextBytes = offsetBytes;
        while (beforeImage.hasRemaining()) {
            int windowBytes =
                    IndexFormat.IMAGE_BYTES - (int) (nextBytes & (IndexFormat.IMAGE_BYTES - 1));
            int lengthBytes = Math.min(beforeImage.remaining(), windowBytes);
            addImage(volume, nextBytes, beforeImage.slice(beforeImage.position(), lengthBytes));
            beforeImage.position(beforeImage.position() + lengthBytes);
            nextBytes += lengthBytes;
        }
    }

    private void addImage(int volume, long offsetBytes, ByteBuffer image) throws JournalException {
        int lengthBytes = image.remaining();
        if (image.mismatch(ZEROS.slice(0, lengthBytes)) < 0) {
            index.addZero(volume, offsetBytes, lengthBytes);
            return;
        }
        CRC32C crc = new CRC32C();
        crc.update(image.duplicate());
        long location = stage.place(lengthBytes);
        stage.put(image);
        index.add(volume, offsetBytes, lengthBytes, location, (int) crc.getValue(), 0, lengthBytes);
        dataBytes += lengthBytes;
    }

    /** Adds a range that read as zeros. */
    public void addZero(int volume, long offsetBytes, long lengthBytes) throws JournalException {
        advance(volume, offsetBytes, lengthBytes);
        if (lengthBytes > 0) {
            index.addZero(volume, offsetBytes, lengthBytes);
        }
    }

    private void advance(int volume, long offsetBytes, long lengthBytes) {
        if (ended) {
            throw new IllegalStateException("run " + to.run() + " has ended");
        }
        if (volume < lastVolume
                || offsetBytes < 0
                || lengthBytes < 0
                || (volume == lastVolume && offsetBytes < lastEndBytes)) {
            throw new IllegalArgumentException(
                    "before-image of volume %d at %d, %d bytes, does not follow volume %d up to %d"
                            .formatted(volume, offsetBytes, lengthBytes, lastVolume, lastEndBytes));
        }
        lastVolume = volume;
        lastEndBytes = offsetBytes + lengthBytes;
    }

    /**
     * Forces the run, records it in the manifest, forces that, and publishes it to all readers.
     * After this, and not before, the interval may be written into gold.
     */
    public void commit() throws JournalException {
        if (ended) {
            throw new IllegalStateException("run " + to.run() + " has ended");
        }
        SpanDescriptor run = index.finish(to.run(), dataBytes);
        stage.finish();
        ended = true;
        log.commit(to, epoch, run, stage);
    }

    /**
     * Gives the run up; what was streamed is named by nothing. Idempotent; no-op after a commit.
     */
    public void abandon() {
        if (!ended) {
            ended = true;
            stage.discard();
            log.abandoned();
        }
    }

    /** Number of the run. */
    public long run() {
        return to.run();
    }
}
