package dev.tidemark.journal;

import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads parts of one WRITE record's payload, and gives out nothing whose header and chunks do not
 * match their checksums. A record of up to one chunk costs one read. One per thread.
 */
final class PayloadReader {
    private static final int FIRST_READ_BYTES = 512;
    private static final ThreadLocal<PayloadReader> READERS =
            ThreadLocal.withInitial(PayloadReader::new);

    private final ByteBuffer scratch =
            ByteBuffer.allocateDirect(RecordHeader.MAXIMUM_HEADER_BYTES + RecordHeader.CHUNK_BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN);
    private final RecordHeader header = new RecordHeader();

    /** Bytes of the record, from its beginning, that lie in the scratch buffer. */
    private int fetched;

    private PayloadReader() {}

    static PayloadReader ofThread() {
        return READERS.get();
    }

    /**
     * Fills {@code target} from {@code fromBytes} of the volume on.
     *
     * @return false when it would have to wait; the target's position is then unchanged
     * @throws JournalException CORRUPT or IO; the target's content is then void
     */
    boolean read(
            Segment segment,
            int owner,
            long position,
            int volume,
            long recordOffsetBytes,
            long fromBytes,
            ByteBuffer target,
            boolean cachedOnly)
            throws JournalException {
        int start = target.position();
        int from = Math.toIntExact(fromBytes - recordOffsetBytes);
        boolean done = false;
        try {
            done =
                    readHeader(segment, owner, position, from + target.remaining(), cachedOnly)
                            && readChunks(
                                    segment, volume, recordOffsetBytes, from, target, cachedOnly);
            return done;
        } catch (StorageException failure) {
            throw JournalException.of("reading the log", failure);
        } finally {
            if (!done) {
                target.position(start);
            }
        }
    }

    private boolean readHeader(
            Segment segment, int owner, long position, int neededBytes, boolean cachedOnly)
            throws StorageException, JournalException {
        int guess =
                neededBytes <= RecordHeader.CHUNK_BYTES
                        ? RecordHeader.headerBytes(neededBytes) + neededBytes
                        : FIRST_READ_BYTES;
        scratch.clear().limit((int) Math.min(guess, segment.unitBytes() - position));
        if (!fill(segment.file(), position, scratch, cachedOnly)) {
            return false;
        }
        fetched = scratch.position();
        if (fetched < RecordHeader.CHUNKS_AT || !header.decodeFixed(scratch.clear(), 0)) {
            throw corrupt(segment, position, "holds no record");
        }
        if (header.headerBytes > fetched) {
            scratch.limit(header.headerBytes).position(fetched);
            if (!fill(segment.file(), position + fetched, scratch, cachedOnly)) {
                return false;
            }
            fetched = scratch.position();
            scratch.clear();
        }
        if (fetched < header.headerBytes
                || !header.verify(scratch, 0, segment.number(), position, owner)) {
            throw corrupt(segment, position, "holds a record whose header is damaged");
        }
        return true;
    }

    private boolean readChunks(
            Segment segment,
            int volume,
            long recordOffsetBytes,
            int from,
            ByteBuffer target,
            boolean cachedOnly)
            throws StorageException, JournalException {
        int to = from + target.remaining();
        if (header.kind != RecordKind.WRITE
                || header.volume != volume
                || header.offsetBytes != recordOffsetBytes
                || from < 0
                || to > header.payloadBytes) {
            throw corrupt(
                    segment,
                    header.position,
                    "holds "
                            + header.kind
                            + " "
                            + header.sequence
                            + " of volume "
                            + header.volume
                            + " at offset "
                            + header.offsetBytes
                            + " instead of what was asked for (volume "
                            + volume
                            + ", offset "
                            + recordOffsetBytes
                            + ")");
        }
        int at = from;
        while (at < to) {
            int whole = wholeChunks(at, to);
            int read =
                    whole > 0
                            ? readWhole(
                                    segment,
                                    at / RecordHeader.CHUNK_BYTES,
                                    whole,
                                    target,
                                    cachedOnly)
                            : readPart(segment, at, to, target, cachedOnly);
            if (read < 0) {
                return false;
            }
            at += read;
        }
        return true;
    }

    /** Number of chunks from {@code at} on that are wanted whole and are not fetched already. */
    private int wholeChunks(int at, int to) {
        int chunk = at / RecordHeader.CHUNK_BYTES;
        if (at % RecordHeader.CHUNK_BYTES != 0 || isFetched(chunk)) {
            return 0;
        }
        int end = at;
        int count = 0;
        while (end < to && end + header.chunkLength(chunk) <= to) {
            end += header.chunkLength(chunk);
            chunk++;
            count++;
        }
        return count;
    }

    private boolean isFetched(int chunk) {
        int end = chunk * RecordHeader.CHUNK_BYTES + header.chunkLength(chunk);
        return header.headerBytes + end <= fetched;
    }

    /** Straight into the target, then checked there. */
    private int readWhole(
            Segment segment, int firstChunk, int count, ByteBuffer target, boolean cachedOnly)
            throws StorageException, JournalException {
        int lastChunk = firstChunk + count - 1;
        int length = (count - 1) * RecordHeader.CHUNK_BYTES + header.chunkLength(lastChunk);
        int start = target.position();
        int limit = target.limit();
        target.limit(start + length);
        boolean filled = fill(segment.file(), payloadPosition(firstChunk), target, cachedOnly);
        target.limit(limit);
        if (!filled) {
            return -1;
        }
        for (int i = 0; i < count; i++) {
            check(
                    segment,
                    firstChunk + i,
                    target,
                    start + i * RecordHeader.CHUNK_BYTES,
                    target.position());
        }
        return length;
    }

    /** Through the scratch buffer, because more has to be checked than is wanted. */
    private int readPart(Segment segment, int at, int to, ByteBuffer target, boolean cachedOnly)
            throws StorageException, JournalException {
        int chunk = at / RecordHeader.CHUNK_BYTES;
        int length = header.chunkLength(chunk);
        int base = header.headerBytes + chunk * RecordHeader.CHUNK_BYTES;
        if (!isFetched(chunk)) {
            base = RecordHeader.MAXIMUM_HEADER_BYTES;
            scratch.clear().limit(base + length).position(base);
            fetched = 0;
            if (!fill(segment.file(), payloadPosition(chunk), scratch, cachedOnly)) {
                return -1;
            }
            check(segment, chunk, scratch, base, scratch.position());
            scratch.clear();
        } else {
            check(segment, chunk, scratch, base, base + length);
        }
        int inChunk = at - chunk * RecordHeader.CHUNK_BYTES;
        int count = Math.min(length - inChunk, to - at);
        target.put(target.position(), scratch, base + inChunk, count);
        target.position(target.position() + count);
        return count;
    }

    private long payloadPosition(int chunk) {
        return (long) header.position
                + header.headerBytes
                + chunk * (long) RecordHeader.CHUNK_BYTES;
    }

    private void check(Segment segment, int chunk, ByteBuffer bytes, int index, int end)
            throws JournalException {
        int length = header.chunkLength(chunk);
        if (index + length > end
                || Checksum.of(bytes, index, length) != header.chunkChecksums[chunk]) {
            throw corrupt(
                    segment,
                    payloadPosition(chunk),
                    "does not match the checksum of chunk "
                            + chunk
                            + " of record "
                            + header.sequence);
        }
    }

    /** Returns false when it would have to wait; short only at the end of the file. */
    private static boolean fill(
            StorageFile file, long position, ByteBuffer target, boolean cachedOnly)
            throws StorageException {
        if (cachedOnly) {
            return file.readIfCached(position, target) != StorageFile.WOULD_BLOCK;
        }
        file.read(position, target);
        return true;
    }

    private static JournalException corrupt(Segment segment, long position, String detail) {
        return new JournalException(
                JournalException.Kind.CORRUPT,
                segment.file().path() + " at position " + position + " " + detail);
    }
}
