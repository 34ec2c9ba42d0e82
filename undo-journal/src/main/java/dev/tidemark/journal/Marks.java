package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * What the redo log holds after the newest run that the manifest does not know yet: checkpoints,
 * and where epochs began. Thread-safe.
 */
final class Marks {
    /** A checkpoint that is not folded. */
    record Mark(Checkpoint checkpoint, Position end) {}

    private final ConcurrentSkipListMap<Long, Mark> checkpoints = new ConcurrentSkipListMap<>();
    private final ConcurrentSkipListMap<Long, Integer> epochs = new ConcurrentSkipListMap<>();

    Marks(long sequence, int epoch) {
        epochs.put(sequence, epoch);
    }

    /** A record was appended; under the log's lock. */
    void appended(PendingRecord record, int epoch) {
        if (record.kind == RecordKind.PROMOTE) {
            epochs.put(record.sequence, epoch);
        } else if (record.kind == RecordKind.CHECKPOINT) {
            ByteBuffer texts = texts(record);
            add(
                    LogCursor.checkpointOf(record.sequence, record.timeMicros, record.flags, texts),
                    record.end());
        }
    }

    private static @Nullable ByteBuffer texts(PendingRecord record) {
        if (record.payload == null || record.payloadBytes() == 0) {
            return null;
        }
        ByteBuffer texts =
                ByteBuffer.allocate(record.payloadBytes()).order(ByteOrder.LITTLE_ENDIAN);
        record.payload.getBytes(record.payload.readerIndex(), texts);
        return texts.flip();
    }

    /** A record was found when the log was opened. */
    void found(RecordHeader header, Segment segment, RecordReader reader) throws JournalException {
        if (header.kind == RecordKind.PROMOTE) {
            epochs.put(header.sequence, header.epoch);
        } else if (header.kind == RecordKind.CHECKPOINT) {
            ByteBuffer texts = header.payloadBytes == 0 ? null : reader.payload(segment);
            add(
                    LogCursor.checkpointOf(header.sequence, header.timeMicros, header.flags, texts),
                    new Position(segment.number(), header.endPosition(), header.sequence + 1));
        }
    }

    private void add(Checkpoint checkpoint, Position end) {
        checkpoints.put(checkpoint.sequence(), new Mark(checkpoint, end));
    }

    int epochAt(long sequence) {
        Map.Entry<Long, Integer> entry = epochs.floorEntry(sequence);
        return entry == null ? epochs.firstEntry().getValue() : entry.getValue();
    }

    int lastEpoch() {
        return epochs.lastEntry().getValue();
    }

    @Nullable Mark at(long sequence) {
        return checkpoints.get(sequence);
    }

    /** The oldest of those before this sequence number; null when there is none. */
    @Nullable Mark firstBefore(long sequence) {
        Map.Entry<Long, Mark> first = checkpoints.firstEntry();
        return first == null || first.getKey() >= sequence ? null : first.getValue();
    }

    /** The newest of that name; null when there is none. */
    @Nullable Mark named(String name) {
        for (Mark mark : checkpoints.descendingMap().values()) {
            if (mark.checkpoint().tagged() && mark.checkpoint().name().equals(name)) {
                return mark;
            }
        }
        return null;
    }

    /** Newest first. */
    Collection<Mark> newestFirst() {
        return checkpoints.descendingMap().values();
    }

    /** The newest with a time up to this; null when all are later. */
    @Nullable Mark floorTime(long timeMicros) {
        for (Mark mark : newestFirst()) {
            if (mark.checkpoint().timeMicros() <= timeMicros) {
                return mark;
            }
        }
        return null;
    }

    /** The manifest knows everything up to this sequence number. */
    void recorded(long sequence) {
        checkpoints.headMap(sequence, true).clear();
    }
}
