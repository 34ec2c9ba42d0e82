package dev.tidemark.replica;

import dev.tidemark.journal.RecordKind;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One durable record as a tap gives it out.
 *
 * @param volume id, 0 when the record is of the whole group
 * @param lengthBytes the new size of a RESIZE
 * @param counts a host's write or zero, as {@link CopyCounters} counts them
 * @param payload of a WRITE, in an array of its own; null when it was not asked for
 */
public record TappedRecord(
        long sequence,
        long timeMicros,
        RecordKind kind,
        int volume,
        long offsetBytes,
        long lengthBytes,
        boolean counts,
        @Nullable ByteBuffer payload) {}
