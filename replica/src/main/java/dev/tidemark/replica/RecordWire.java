package dev.tidemark.replica;

import dev.tidemark.journal.JournalException;
import dev.tidemark.journal.LogFollower;
import dev.tidemark.journal.RecordKind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * One record between two sites, see {@code docs/internals/link-protocol.md}, "records". Mutable, so
 * that a batch needs one. Not thread-safe.
 */
final class RecordWire {
    static final int BATCH_HEADER_BYTES = 12;
    static final int FIXED_BYTES = 56;
    private static final int CHUNK_BYTES = 16 << 10;
    private static final int MAXIMUM_PAYLOAD_BYTES = 32 << 20;

    private final CRC32C crc = new CRC32C();
    RecordKind kind = RecordKind.WRITE;
    int flags;
    int volume;
    long sequence;
    long timeMicros;
    long offsetBytes;
    long lengthBytes;
    int epoch;
    int[] checksums = new int[0];

    /** A part of the batch, not retained. Empty when there is no payload. */
    ByteBuf payload = Unpooled.EMPTY_BUFFER;

    static int bytes(int payloadBytes) {
        return FIXED_BYTES + 4 * chunks(payloadBytes) + payloadBytes;
    }

    private static int chunks(int payloadBytes) {
        return (payloadBytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
    }

    /** Appends the record that a follower is at. */
    void encode(LogFollower from, ByteBuf into) throws JournalException {
        int payloadBytes = from.payloadBytes();
        int chunks = chunks(payloadBytes);
        into.ensureWritable(bytes(payloadBytes));
        int start = into.writerIndex();
        into.writeByte(from.kind().code()).writeByte(from.flags()).writeShortLE(0);
        into.writeIntLE(from.volume()).writeLongLE(from.sequence()).writeLongLE(from.timeMicros());
        into.writeLongLE(from.offsetBytes()).writeLongLE(from.lengthBytes());
        into.writeIntLE(payloadBytes).writeIntLE(from.epoch()).writeIntLE(0).writeIntLE(chunks);
        for (int i = 0; i < chunks; i++) {
            into.writeIntLE(from.chunkChecksum(i));
        }
        into.setIntLE(start + 48, headerChecksum(into, start, chunks));
        if (payloadBytes > 0) {
            from.copyPayload(into);
        }
    }

    /** Of the 48 bytes before the checksum, and the chunk table. */
    private int headerChecksum(ByteBuf bytes, int start, int chunks) {
        crc.reset();
        update(bytes, start, 48);
        update(bytes, start + FIXED_BYTES, 4 * chunks);
        return (int) crc.getValue();
    }

    private void update(ByteBuf bytes, int index, int length) {
        if (length > 0) {
            for (ByteBuffer part : bytes.nioBuffers(index, length)) {
                crc.update(part);
            }
        }
    }

    /** Reads what a batch begins with; returns how many records follow. */
    static int count(ByteBuf batch) throws ReplicaException {
        if (batch.readableBytes() < BATCH_HEADER_BYTES) {
            throw malformed("a batch is cut short");
        }
        batch.skipBytes(8);
        int count = batch.readIntLE();
        if (count < 0) {
            throw malformed("a batch of " + count + " records");
        }
        return count;
    }

    /** All records of a batch have been read. */
    static void requireEnd(ByteBuf batch) throws ReplicaException {
        if (batch.isReadable()) {
            throw malformed(batch.readableBytes() + " bytes too many");
        }
    }

    /** Reads the next record and moves over it; everything is checked. */
    void decode(ByteBuf from) throws ReplicaException {
        require(from, FIXED_BYTES);
        int start = from.readerIndex();
        RecordKind known = RecordKind.ofCode(from.readByte());
        flags = from.readUnsignedByte();
        int reserved = from.readUnsignedShortLE();
        volume = from.readIntLE();
        sequence = from.readLongLE();
        timeMicros = from.readLongLE();
        offsetBytes = from.readLongLE();
        lengthBytes = from.readLongLE();
        int payloadBytes = from.readIntLE();
        epoch = from.readIntLE();
        int checksum = from.readIntLE();
        int chunks = from.readIntLE();
        if (known == null
                || reserved != 0
                || payloadBytes < 0
                || payloadBytes > MAXIMUM_PAYLOAD_BYTES
                || chunks != chunks(payloadBytes)) {
            throw malformed("a record of impossible kind or lengths");
        }
        kind = known;
        require(from, 4L * chunks + payloadBytes);
        if (headerChecksum(from, start, chunks) != checksum) {
            throw malformed("record " + sequence + " does not match its checksum");
        }
        checksums = new int[chunks];
        for (int i = 0; i < chunks; i++) {
            checksums[i] = from.readIntLE();
        }
        payload = from.readSlice(payloadBytes);
        checkPayload(payloadBytes);
    }

    private void checkPayload(int payloadBytes) throws ReplicaException {
        for (int i = 0; i < checksums.length; i++) {
            int at = i * CHUNK_BYTES;
            crc.reset();
            update(payload, payload.readerIndex() + at, Math.min(CHUNK_BYTES, payloadBytes - at));
            if ((int) crc.getValue() != checksums[i]) {
                throw malformed(
                        "the payload of record " + sequence + " does not match its checksum");
            }
        }
        boolean ranged = kind == RecordKind.WRITE || kind == RecordKind.ZERO;
        if (offsetBytes < 0
                || lengthBytes < 0
                || offsetBytes + lengthBytes < 0
                || !StreamPosition.isBelievable(timeMicros, epoch)
                || (payloadBytes > 0 && !hasPayload())
                || (kind == RecordKind.WRITE && lengthBytes != payloadBytes)
                || (ranged && lengthBytes == 0)) {
            throw malformed("record " + sequence + " contradicts itself");
        }
    }

    private boolean hasPayload() {
        return kind == RecordKind.WRITE || kind == RecordKind.CHECKPOINT;
    }

    private static void require(ByteBuf from, long bytes) throws ReplicaException {
        if (from.readableBytes() < bytes) {
            throw malformed(
                    "a record needs " + bytes + " bytes, " + from.readableBytes() + " are left");
        }
    }

    static ReplicaException malformed(String what) {
        return new ReplicaException(
                ReplicaException.Kind.INVALID, what + "; nothing from it on was taken");
    }
}
