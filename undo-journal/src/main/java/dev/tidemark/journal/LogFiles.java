package dev.tidemark.journal;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import java.nio.ByteBuffer;
import java.util.UUID;

/** Prepares the files a log is opened with. Blocking. */
final class LogFiles {
    private LogFiles() {}

    /** A log of its own, outside any journal. */
    static RecordLog.Parts parts(
            RecordLogOptions options,
            UUID owner,
            StorageDirectory directory,
            Scheduler scheduler,
            SegmentPool pool,
            JournalListener listener)
            throws JournalException {
        Counters counters = new Counters();
        SegmentStore store =
                SegmentStore.open(
                        options.kind(),
                        options.unitBytes(),
                        options.preallocate(),
                        new SegmentStore.Context(
                                owner,
                                directory,
                                pool,
                                scheduler::wallClockMicros,
                                counters,
                                listener,
                                () -> false,
                                failure -> {}));
        return new RecordLog.Parts(
                store, owner, scheduler, listener, (record, epoch) -> {}, counters);
    }

    /** Goes on in a new segment, so that nothing behind the end can ever be taken for valid. */
    static Segment continueAfter(LogRecovery.Found found, RecordLog.Parts parts)
            throws JournalException {
        Segment last = found.last();
        Segment made = parts.store().createToOpen();
        SegmentHeader lastHeader = last.header();
        boolean skip = found.lastIsEmpty();
        writeHeader(
                made,
                made.header()
                        .usedFrom(
                                found.lastSequence() + 1,
                                found.lastTimeMicros(),
                                skip ? lastHeader.previous() : last.number(),
                                skip ? lastHeader.previousEnd() : found.endPosition(),
                                found.generation() + 1));
        if (skip) {
            parts.store().retire(last);
        } else {
            last.end(found.endPosition(), found.lastSequence());
        }
        return made;
    }

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
