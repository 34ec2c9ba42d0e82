package dev.tidemark.journal;

import java.nio.ByteBuffer;

/**
 * Builds the undo run of one interval: before-images in ascending (volume, offset) order, streamed
 * to the undo segment. One thread at a time; all methods may wait for a disk.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class UndoRunBuilder {
    UndoRunBuilder() {}

    /** Adds the remaining bytes of {@code beforeImage}; bytes that are all zero become metadata. */
    public void add(int volume, long offsetBytes, ByteBuffer beforeImage) throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Adds a range that read as zeros. */
    public void addZero(int volume, long offsetBytes, long lengthBytes) throws JournalException {
        throw new UnsupportedOperationException();
    }

    /**
     * Forces the run, records it in the manifest, forces that, and publishes it to all readers.
     * After this, and not before, the interval may be written into gold.
     */
    public void commit() throws JournalException {
        throw new UnsupportedOperationException();
    }

    /** Gives the run up; what was streamed is overwritten by the next. */
    public void abandon() {
        throw new UnsupportedOperationException();
    }
}
