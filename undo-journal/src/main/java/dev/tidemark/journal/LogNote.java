package dev.tidemark.journal;

import dev.tidemark.storage.StorageException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A few bytes that a log keeps in the segment being written to, at {@link
 * ManifestWitness#POSITION}: they are forced with what is appended next. Guarded by the log's lock.
 */
final class LogNote {
    private final JournalListener listener;
    private @Nullable ByteBuffer content;
    private boolean owed;

    LogNote(JournalListener listener) {
        this.listener = listener;
    }

    void set(ByteBuffer bytes) {
        content = bytes;
        owed = true;
    }

    /** The log goes on in a segment that does not hold it yet. */
    void owe() {
        owed = true;
    }

    /** Writes it where it is not written yet. */
    void write(Segment segment) {
        ByteBuffer bytes = content;
        if (bytes == null || !owed) {
            return;
        }
        owed = false;
        try {
            segment.file().write(ManifestWitness.POSITION, bytes.duplicate());
        } catch (StorageException failure) {
            // The manifest is right; only a damage to it might not be noticed.
            listener.event(String.valueOf(failure.getMessage()));
        }
    }
}
