package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A record's header with its chunk table, read from or written to a log. Mutable, so that a scan
 * needs one. Not thread-safe.
 *
 * <pre>
 *   0 magic u32 | 4 checksum u32 | 8 kind u8 | 9 flags u8 | 10 header bytes u16 | 12 volume u32
 *  16 sequence u64 | 24 durable sequence u64 | 32 time u64 | 40 offset u64 | 48 length u64
 *  56 payload bytes u32 | 60 epoch u32 | 64 segment u64 | 72 position u32 | 76 owner u32
 *  80 chunk table: u32 for each 16 KiB of payload, padded to 8; then the payload, padded to 8
 * </pre>
 *
 * <p>The checksum covers everything from the kind to the end of the chunk table.
 */
final class RecordHeader {
    /** "TREC" read as bytes. */
    static final int MAGIC = 0x43455254;

    static final int MAGIC_AT = 0;
    static final int CHECKSUM_AT = 4;
    static final int KIND_AT = 8;
    static final int FLAGS_AT = 9;
    static final int HEADER_BYTES_AT = 10;
    static final int VOLUME_AT = 12;
    static final int SEQUENCE_AT = 16;
    static final int DURABLE_AT = 24;
    static final int TIME_AT = 32;
    static final int OFFSET_AT = 40;
    static final int LENGTH_AT = 48;
    static final int PAYLOAD_BYTES_AT = 56;
    static final int EPOCH_AT = 60;
    static final int SEGMENT_AT = 64;
    static final int POSITION_AT = 72;
    static final int OWNER_AT = 76;
    static final int CHUNKS_AT = 80;

    /** Payload bytes under one checksum: what a read of a few bytes has to fetch and check. */
    static final int CHUNK_BYTES = 16 << 10;

    /** The largest write a device takes, so that a header with its table stays below 64 KiB. */
    static final int MAXIMUM_PAYLOAD_BYTES = 32 << 20;

    static final int MAXIMUM_HEADER_BYTES = headerBytes(MAXIMUM_PAYLOAD_BYTES);
    static final int ALIGNMENT = 8;

    RecordKind kind = RecordKind.WRITE;
    int flags;
    int headerBytes;
    int volume;
    long sequence;
    long durableSequence;
    long timeMicros;
    long offsetBytes;
    long lengthBytes;
    int payloadBytes;
    int epoch;
    long segment;
    int position;
    int[] chunkChecksums = new int[4];

    static int chunkCount(int payloadBytes) {
        return (payloadBytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
    }

    static int headerBytes(int payloadBytes) {
        return align(CHUNKS_AT + 4 * chunkCount(payloadBytes));
    }

    /** Bytes a record occupies in its segment. */
    static int recordBytes(int payloadBytes) {
        return headerBytes(payloadBytes) + align(payloadBytes);
    }

    static int align(int bytes) {
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /**
     * Writes a header at the buffer's position and moves it over the header.
     *
     * @param target little-endian
     * @param view another view of the same bytes, for the checksum
     */
    static void encode(
            PendingRecord record,
            int payloadBytes,
            long durableSequence,
            int epoch,
            int owner,
            ByteBuffer target,
            ByteBuffer view,
            CRC32C crc) {
        int at = target.position();
        int headerBytes = headerBytes(payloadBytes);
        target.putInt(MAGIC);
        target.putInt(0);
        target.put((byte) record.kind.code());
        target.put((byte) record.flags);
        target.putShort((short) headerBytes);
        target.putInt(record.volume);
        target.putLong(record.sequence);
        target.putLong(durableSequence);
        target.putLong(record.timeMicros);
        target.putLong(record.offsetBytes);
        target.putLong(record.lengthBytes);
        target.putInt(payloadBytes);
        target.putInt(epoch);
        target.putLong(record.segment);
        target.putInt((int) record.position);
        target.putInt(owner);
        for (int i = 0; i < record.chunkCount; i++) {
            target.putInt(record.chunkChecksums[i]);
        }
        while (target.position() < at + headerBytes) {
            target.put((byte) 0);
        }
        target.putInt(at + CHECKSUM_AT, checksum(view, at, headerBytes, crc));
    }

    private static int checksum(ByteBuffer view, int at, int headerBytes, CRC32C crc) {
        crc.reset();
        view.limit(at + headerBytes).position(at + KIND_AT);
        crc.update(view);
        return (int) crc.getValue();
    }

    /**
     * Reads the fixed part at {@code at}; says nothing about its truth yet.
     *
     * @return false when it cannot be a record: magic or lengths are impossible
     */
    boolean decodeFixed(ByteBuffer source, int at) {
        assert source.order() == ByteOrder.LITTLE_ENDIAN;
        if (source.getInt(at + MAGIC_AT) != MAGIC) {
            return false;
        }
        @Nullable RecordKind known = RecordKind.ofCode(source.get(at + KIND_AT));
        payloadBytes = source.getInt(at + PAYLOAD_BYTES_AT);
        headerBytes = source.getShort(at + HEADER_BYTES_AT) & 0xffff;
        if (known == null
                || payloadBytes < 0
                || payloadBytes > MAXIMUM_PAYLOAD_BYTES
                || headerBytes != headerBytes(payloadBytes)) {
            return false;
        }
        kind = known;
        flags = source.get(at + FLAGS_AT) & 0xff;
        volume = source.getInt(at + VOLUME_AT);
        sequence = source.getLong(at + SEQUENCE_AT);
        durableSequence = source.getLong(at + DURABLE_AT);
        timeMicros = source.getLong(at + TIME_AT);
        offsetBytes = source.getLong(at + OFFSET_AT);
        lengthBytes = source.getLong(at + LENGTH_AT);
        epoch = source.getInt(at + EPOCH_AT);
        segment = source.getLong(at + SEGMENT_AT);
        position = source.getInt(at + POSITION_AT);
        return true;
    }

    /**
     * Checks the whole header at {@code at}, all of which is in the buffer, and reads its chunk
     * table.
     *
     * @param owner checksum of the id of the log's owner
     * @return false when it is not the record written at that place of that log
     */
    boolean verify(
            ByteBuffer source, int at, long segmentNumber, long positionInSegment, int owner) {
        if (source.getInt(at + OWNER_AT) != owner
                || segment != segmentNumber
                || position != positionInSegment) {
            return false;
        }
        CRC32C crc = new CRC32C();
        crc.update(source.slice(at + KIND_AT, headerBytes - KIND_AT));
        if ((int) crc.getValue() != source.getInt(at + CHECKSUM_AT)) {
            return false;
        }
        int count = chunkCount(payloadBytes);
        if (chunkChecksums.length < count) {
            chunkChecksums = new int[count];
        }
        for (int i = 0; i < count; i++) {
            chunkChecksums[i] = source.getInt(at + CHUNKS_AT + 4 * i);
        }
        return true;
    }

    int recordBytes() {
        return headerBytes + align(payloadBytes);
    }

    int endPosition() {
        return position + recordBytes();
    }

    /** Length of the given chunk: all but the last are whole. */
    int chunkLength(int chunk) {
        return Math.min(CHUNK_BYTES, payloadBytes - chunk * CHUNK_BYTES);
    }
}
