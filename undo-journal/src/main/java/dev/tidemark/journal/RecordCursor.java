package dev.tidemark.journal;

import org.jspecify.annotations.Nullable;

/**
 * Steps over the records of a log; the accessors tell about the record that {@link #next} arrived
 * at. Blocking; one thread at a time.
 */
public interface RecordCursor extends AutoCloseable {
    /** Moves on; false at the end. A record that does not match its checksum is an exception. */
    boolean next() throws JournalException;

    RecordKind kind();

    int flags();

    int volume();

    long offsetBytes();

    long lengthBytes();

    int epoch();

    long sequence();

    long timeMicros();

    long segment();

    long position();

    /** The place after this record. */
    Position end();

    /** What a CHECKPOINT record says; null for other kinds. Its text is read and verified here. */
    @Nullable Checkpoint checkpoint() throws JournalException;

    @Override
    void close();
}
