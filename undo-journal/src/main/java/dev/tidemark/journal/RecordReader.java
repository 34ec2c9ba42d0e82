package dev.tidemark.journal;

import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads record headers of one segment after the other through a window, and payloads when asked.
 * Blocking. Not thread-safe.
 */
final class RecordReader {
    private static final int WINDOW_BYTES = 64 << 10;

    private final int owner;
    private final RecordHeader header = new RecordHeader();
    private final ByteBuffer window =
            ByteBuffer.allocateDirect(WINDOW_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer chunk = ByteBuffer.allocateDirect(RecordHeader.CHUNK_BYTES);
    private long windowSegment;
    private long windowPosition;

    RecordReader(int owner) {
        this.owner = owner;
        window.limit(0);
    }

    /** What {@link #read} found. */
    RecordHeader header() {
        return header;
    }

    /** Reads the header at a place; false when there is no valid one. */
    boolean read(Segment segment, long position) throws JournalException {
        if (position + RecordHeader.CHUNKS_AT > segment.unitBytes()
                || !ensure(segment, position, RecordHeader.CHUNKS_AT)
                || !header.decodeFixed(window, (int) (position - windowPosition))) {
            return false;
        }
        return position + header.recordBytes() <= segment.unitBytes()
                && ensure(segment, position, header.headerBytes)
                && header.verify(
                        window,
                        (int) (position - windowPosition),
                        segment.number(),
                        position,
                        owner);
    }

    /** Reads all of the payload and holds it against the chunk table. */
    boolean verifyPayload(Segment segment) throws JournalException {
        long position = (long) header.position + header.headerBytes;
        for (int i = 0; i < RecordHeader.chunkCount(header.payloadBytes); i++) {
            int length = header.chunkLength(i);
            ByteBuffer bytes = bytes(segment, position, length);
            if (bytes.remaining() < length || Checksum.of(bytes) != header.chunkChecksums[i]) {
                return false;
            }
            position += length;
        }
        return true;
    }

    /** A verified payload of a few bytes, such as a checkpoint's texts. */
    ByteBuffer payload(Segment segment) throws JournalException {
        ByteBuffer whole = ByteBuffer.allocate(header.payloadBytes);
        fill(segment, (long) header.position + header.headerBytes, whole);
        whole.flip();
        for (int i = 0; i < RecordHeader.chunkCount(header.payloadBytes); i++) {
            int from = i * RecordHeader.CHUNK_BYTES;
            if (whole.remaining() < header.payloadBytes
                    || Checksum.of(whole, from, header.chunkLength(i))
                            != header.chunkChecksums[i]) {
                throw damaged(segment);
            }
        }
        return whole.order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Appends the payload to a buffer with room for it, verified chunk by chunk. */
    void copyPayload(Segment segment, ByteBuf into) throws JournalException {
        int start = into.writerIndex();
        int length = header.payloadBytes;
        long position = (long) header.position + header.headerBytes;
        if (ensureIfNear(segment, position, length)) {
            into.writeBytes(window.slice((int) (position - windowPosition), length));
        } else {
            ByteBuffer target = into.nioBuffer(start, length);
            fill(segment, position, target);
            if (target.hasRemaining()) {
                throw damaged(segment);
            }
            into.writerIndex(start + length);
        }
        for (int i = 0; i < RecordHeader.chunkCount(length); i++) {
            int from = start + i * RecordHeader.CHUNK_BYTES;
            ByteBuffer bytes = into.nioBuffer(from, header.chunkLength(i));
            if (Checksum.of(bytes) != header.chunkChecksums[i]) {
                throw damaged(segment);
            }
        }
    }

    private JournalException damaged(Segment segment) {
        return new JournalException(
                JournalException.Kind.CORRUPT,
                segment.file().path()
                        + ": the payload of record "
                        + header.sequence
                        + " at position "
                        + header.position
                        + " does not match its checksum");
    }

    /** Forgets what it has read: the log has grown since. */
    void forget() {
        windowSegment = 0;
        window.limit(0);
    }

    /** Looks for the next place, 8 by 8 bytes, at which a valid header lies; -1 when none does. */
    long findNext(Segment segment, long from) throws JournalException {
        long position = align(from);
        long lookAgainAt = position;
        while (true) {
            if (position >= lookAgainAt) {
                position = skipHole(segment, position);
                lookAgainAt = position + WINDOW_BYTES;
            }
            if (position + RecordHeader.CHUNKS_AT > segment.unitBytes()
                    || !ensure(segment, position, RecordHeader.CHUNKS_AT)) {
                return -1;
            }
            if (window.getInt((int) (position - windowPosition)) == RecordHeader.MAGIC
                    && read(segment, position)) {
                return position;
            }
            position += RecordHeader.ALIGNMENT;
        }
    }

    /** What was never written reads as zeros, and the file system knows where that is. */
    private static long skipHole(Segment segment, long position) throws JournalException {
        try {
            long data = segment.file().dataFrom(position);
            return data == StorageFile.NONE ? segment.unitBytes() : align(data);
        } catch (StorageException failure) {
            throw JournalException.of("reading the log", failure);
        }
    }

    private static long align(long position) {
        return (position + RecordHeader.ALIGNMENT - 1) & -RecordHeader.ALIGNMENT;
    }

    private ByteBuffer bytes(Segment segment, long position, int length) throws JournalException {
        if (ensureIfNear(segment, position, length)) {
            return window.slice((int) (position - windowPosition), length);
        }
        chunk.clear().limit(length);
        fill(segment, position, chunk);
        return chunk.flip();
    }

    /** Large payloads go past the window, so that it keeps its place among the headers. */
    private boolean ensureIfNear(Segment segment, long position, int length)
            throws JournalException {
        return header.payloadBytes <= RecordHeader.CHUNK_BYTES && ensure(segment, position, length);
    }

    private boolean ensure(Segment segment, long position, int length) throws JournalException {
        if (segment.number() != windowSegment
                || position < windowPosition
                || position + length > windowPosition + window.limit()) {
            window.clear();
            windowSegment = segment.number();
            windowPosition = position;
            fill(segment, position, window);
            window.flip();
        }
        return position + length <= windowPosition + window.limit();
    }

    private static void fill(Segment segment, long position, ByteBuffer target)
            throws JournalException {
        try {
            segment.file().read(position, target);
        } catch (StorageException failure) {
            throw JournalException.of("reading the log", failure);
        }
    }
}
