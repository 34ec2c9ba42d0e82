package dev.tidemark.journal;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A cursor over retained segments, in which every record up to a limit must be valid. */
final class LogCursor implements RecordCursor {
    private final RecordReader reader;
    private final RecordHeader header;
    private final List<Segment> segments;
    private final long limitSequence;
    private long expected;
    private int index;
    private long position;
    private boolean closed;

    /**
     * @param segments from the one {@code from} lies in, or the one after it when {@code from} is
     *     the end of one that has gone, in the order of the log; retained for this cursor, which
     *     gives them back
     * @param limitSequence the last record to arrive at
     */
    LogCursor(int owner, List<Segment> segments, Position from, long limitSequence) {
        this(new RecordReader(owner), segments, from, limitSequence);
    }

    LogCursor(RecordReader reader, List<Segment> segments, Position from, long limitSequence) {
        this.reader = reader;
        this.header = reader.header();
        this.segments = new ArrayList<>(segments);
        this.limitSequence = limitSequence;
        this.expected = from.sequence();
        boolean gone = segments.isEmpty() || segments.getFirst().number() != from.segment();
        this.position = gone ? SegmentHeader.RESERVED_BYTES : from.position();
    }

    @Override
    public boolean next() throws JournalException {
        if (closed || expected > limitSequence) {
            return false;
        }
        while (index < segments.size()) {
            Segment current = segments.get(index);
            int end = current.dataEnd();
            if (end == 0 || position < end) {
                arrive(current);
                return true;
            }
            index++;
            position = SegmentHeader.RESERVED_BYTES;
        }
        throw new JournalException(
                JournalException.Kind.CORRUPT,
                "record " + expected + " is not in the segments that should hold it");
    }

    private void arrive(Segment current) throws JournalException {
        if (!reader.read(current, position) || header.sequence != expected) {
            throw new JournalException(
                    JournalException.Kind.CORRUPT,
                    current.file().path()
                            + " at position "
                            + position
                            + " does not hold a valid record "
                            + expected);
        }
        position = header.endPosition();
        expected++;
    }

    private Segment segmentOfRecord() {
        return segments.get(index);
    }

    @Override
    public RecordKind kind() {
        return header.kind;
    }

    @Override
    public int flags() {
        return header.flags;
    }

    @Override
    public int volume() {
        return header.volume;
    }

    @Override
    public long offsetBytes() {
        return header.offsetBytes;
    }

    @Override
    public long lengthBytes() {
        return header.lengthBytes;
    }

    @Override
    public int epoch() {
        return header.epoch;
    }

    @Override
    public long sequence() {
        return header.sequence;
    }

    @Override
    public long timeMicros() {
        return header.timeMicros;
    }

    @Override
    public long segment() {
        return header.segment;
    }

    @Override
    public long position() {
        return header.position;
    }

    @Override
    public Position end() {
        return new Position(header.segment, header.endPosition(), header.sequence + 1);
    }

    @Override
    public @Nullable Checkpoint checkpoint() throws JournalException {
        if (header.kind != RecordKind.CHECKPOINT) {
            return null;
        }
        if (header.payloadBytes == 0) {
            return checkpointOf(header.sequence, header.timeMicros, header.flags, null);
        }
        return checkpointOf(
                header.sequence,
                header.timeMicros,
                header.flags,
                reader.payload(segmentOfRecord()));
    }

    int payloadBytes() {
        return header.payloadBytes;
    }

    int chunkChecksum(int chunk) {
        return header.chunkChecksums[chunk];
    }

    /** Appends the payload to a buffer, verified. */
    void copyPayload(ByteBuf into) throws JournalException {
        reader.copyPayload(segmentOfRecord(), into);
    }

    /** Reads the texts that {@link Checkpoint#payload} wrote. */
    static Checkpoint checkpointOf(
            long sequence, long timeMicros, int flags, @Nullable ByteBuffer texts) {
        boolean tagged = (flags & PendingRecord.FLAG_TAGGED) != 0;
        if (texts == null) {
            return new Checkpoint(sequence, timeMicros, tagged, "", "");
        }
        String name = text(texts);
        return new Checkpoint(sequence, timeMicros, tagged, name, text(texts));
    }

    private static String text(ByteBuffer source) {
        byte[] bytes = new byte[source.getShort() & 0xffff];
        source.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            segments.forEach(Segment::release);
        }
    }
}
