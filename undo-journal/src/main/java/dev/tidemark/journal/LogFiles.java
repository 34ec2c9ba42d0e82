package dev.tidemark.journal;

import dev.tidemark.storage.StorageException;
import java.nio.ByteBuffer;
import java.util.UUID;

/** What all parts of a log write and say in the same way. */
final class LogFiles {
    private LogFiles() {}

    /** Writes a segment's header again, forced. Blocking. */
    static void writeHeader(Segment segment, SegmentHeader header) throws JournalException {
        ByteBuffer bytes = ByteBuffer.allocate(SegmentHeader.BYTES);
        header.encode(bytes);
        try {
            segment.file().write(0, bytes.flip());
        } catch (StorageException failure) {
            throw JournalException.of("writing a segment's header", failure);
        }
        SegmentStore.force(segment);
        segment.header(header);
    }

    static int ownerChecksum(UUID owner) {
        ByteBuffer bytes = ByteBuffer.allocate(16);
        SegmentHeader.putUuid(bytes, 0, owner);
        return Checksum.of(bytes);
    }
}
