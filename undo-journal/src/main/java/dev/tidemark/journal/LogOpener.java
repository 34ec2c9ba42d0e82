package dev.tidemark.journal;

import dev.tidemark.execution.Scheduler;
import dev.tidemark.storage.StorageDirectory;
import dev.tidemark.storage.StorageException;
import java.nio.ByteBuffer;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Makes and opens logs: finds the end, and goes on in a new segment. Blocking. */
final class LogOpener {
    private static final int COPY_BYTES = 1 << 20;

    private LogOpener() {}

    /** What a log is made of besides its shape. */
    record Parts(
            SegmentStore store,
            UUID ownerId,
            Scheduler scheduler,
            JournalListener listener,
            RecordLog.Observer observer,
            Counters counters) {}

    /** See {@link RecordLog#create}. */
    static RecordLog create(
            RecordLogOptions options,
            UUID owner,
            StorageDirectory directory,
            Scheduler scheduler,
            SegmentPool pool,
            JournalListener listener)
            throws JournalException {
        Parts parts = parts(options, owner, directory, scheduler, pool, listener);
        JournalStart start = JournalStart.at(scheduler.wallClockMicros());
        return closedUnlessMade(parts, () -> create(options, parts, start));
    }

    /** See {@link RecordLog#open}. */
    static RecordLog open(
            RecordLogOptions options,
            UUID owner,
            StorageDirectory directory,
            Scheduler scheduler,
            SegmentPool pool,
            JournalListener listener)
            throws JournalException {
        Parts parts = parts(options, owner, directory, scheduler, pool, listener);
        return closedUnlessMade(
                parts, () -> open(options, parts, null, 0, 0, (header, segment, reader) -> {}));
    }

    /** A log of its own, outside any journal. */
    private static Parts parts(
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
        return new Parts(store, owner, scheduler, listener, (record, epoch) -> {}, counters);
    }

    private interface Making {
        RecordLog run() throws JournalException;
    }

    private static RecordLog closedUnlessMade(Parts parts, Making making) throws JournalException {
        boolean made = false;
        try {
            RecordLog log = making.run();
            made = true;
            return log;
        } finally {
            if (!made) {
                parts.store().close();
            }
        }
    }

    /** Makes a log in a store that holds none. */
    static RecordLog create(RecordLogOptions options, Parts parts, JournalStart start)
            throws JournalException {
        SegmentStore store = parts.store();
        if (!store.segments().isEmpty()) {
            throw new JournalException(
                    JournalException.Kind.IO,
                    store.directory().path()
                            + " already holds "
                            + store.segments().size()
                            + " segments of a log; choose an empty folder");
        }
        Segment first = store.create();
        long sequence = start.sequence();
        LogFiles.writeHeader(
                first, first.header().usedFrom(sequence + 1, start.timeMicros(), 0, 0, 1));
        return new RecordLog(options, parts, first, sequence, start.timeMicros()).started();
    }

    /**
     * Opens the log in a store.
     *
     * @param from where to begin to read; null for the first record
     * @param fromTimeMicros timestamp of the record before that
     * @param provenSequence a sequence number known from elsewhere to have been forced
     * @param scan sees each record from there on
     */
    static RecordLog open(
            RecordLogOptions options,
            Parts parts,
            @Nullable Position from,
            long fromTimeMicros,
            long provenSequence,
            LogRecovery.Scan scan)
            throws JournalException {
        SegmentStore store = parts.store();
        LogRecovery.Found found =
                new LogRecovery(store, LogFiles.ownerChecksum(parts.ownerId()))
                        .find(from, fromTimeMicros, provenSequence, scan);
        writeUnprovenAgain(found);
        for (Segment segment : found.chain()) {
            SegmentStore.force(segment);
        }
        // A unit that was made ahead is free at once; what has been in the log may go only when the
        // cut is on disk, for else the chain that leads here could be found broken.
        found.madeAhead().forEach(store::retire);
        Segment current = continueAfter(found, store);
        found.leftOver().forEach(store::retire);
        return new RecordLog(options, parts, current, found.lastSequence(), found.lastTimeMicros())
                .started();
    }

    /**
     * Writes what nobody knows to be on the disk over itself. After a force that failed the
     * system's cache may hold pages that count as clean and were never written: they read well, and
     * another force alone would leave them to be lost with the power.
     */
    private static void writeUnprovenAgain(LogRecovery.Found found) throws JournalException {
        LogRecovery.Unproven first = found.unproven();
        if (first == null) {
            return;
        }
        for (int i = first.index(); i < found.chain().size(); i++) {
            Segment segment = found.chain().get(i);
            boolean whole = i > first.index() || first.position() == SegmentHeader.RESERVED_BYTES;
            boolean last = i == found.chain().size() - 1;
            writeAgain(
                    segment,
                    whole ? 0 : first.position(),
                    last ? found.endPosition() : segment.dataEnd());
        }
    }

    private static void writeAgain(Segment segment, long from, long to) throws JournalException {
        ByteBuffer part = ByteBuffer.allocate((int) Math.min(COPY_BYTES, to - from));
        try {
            for (long at = from; at < to; at += part.limit()) {
                part.clear().limit((int) Math.min(part.capacity(), to - at));
                segment.file().read(at, part);
                segment.file().write(at, part.flip());
            }
        } catch (StorageException failure) {
            throw JournalException.of("writing the end of the log again", failure);
        }
    }

    /** Goes on in a new segment, so that nothing behind the end can ever be taken for valid. */
    private static Segment continueAfter(LogRecovery.Found found, SegmentStore store)
            throws JournalException {
        Segment last = found.last();
        Segment made = store.createToOpen();
        SegmentHeader lastHeader = last.header();
        boolean skip = found.lastIsEmpty();
        LogFiles.writeHeader(
                made,
                made.header()
                        .usedFrom(
                                found.lastSequence() + 1,
                                found.lastTimeMicros(),
                                skip ? lastHeader.previous() : last.number(),
                                skip ? lastHeader.previousEnd() : found.endPosition(),
                                found.generation() + 1));
        if (skip) {
            store.retire(last);
        } else {
            last.end(found.endPosition(), found.lastSequence());
        }
        return made;
    }
}
