package dev.tidemark.journal;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Checksums of a record's payload, one for each chunk; computed by the thread that brings it. */
final class PayloadChecksums {
    private PayloadChecksums() {}

    static void compute(PendingRecord record) {
        @Nullable ByteBuf payload = record.payload;
        int payloadBytes = payload == null ? 0 : payload.readableBytes();
        int count = RecordHeader.chunkCount(payloadBytes);
        if (record.chunkChecksums.length < count) {
            record.chunkChecksums = new int[count];
        }
        if (payload != null && count > 0) {
            if (payload.nioBufferCount() == 1) {
                ofOne(
                        payload.nioBuffer(payload.readerIndex(), payloadBytes),
                        record.chunkChecksums);
            } else {
                ofMany(
                        payload.nioBuffers(payload.readerIndex(), payloadBytes),
                        record.chunkChecksums);
            }
        }
        record.chunkCount = count;
    }

    private static void ofOne(ByteBuffer payload, int[] checksums) {
        CRC32C crc = new CRC32C();
        int end = payload.limit();
        for (int chunk = 0; payload.position() < end; chunk++) {
            payload.limit(Math.min(end, payload.position() + RecordHeader.CHUNK_BYTES));
            crc.reset();
            crc.update(payload);
            checksums[chunk] = (int) crc.getValue();
        }
    }

    private static void ofMany(ByteBuffer[] parts, int[] checksums) {
        CRC32C crc = new CRC32C();
        int chunk = 0;
        int inChunk = 0;
        for (ByteBuffer part : parts) {
            int end = part.limit();
            while (part.position() < end) {
                int length = Math.min(end - part.position(), RecordHeader.CHUNK_BYTES - inChunk);
                part.limit(part.position() + length);
                crc.update(part);
                inChunk += length;
                if (inChunk == RecordHeader.CHUNK_BYTES) {
                    checksums[chunk++] = (int) crc.getValue();
                    crc.reset();
                    inChunk = 0;
                }
            }
        }
        if (inChunk > 0) {
            checksums[chunk] = (int) crc.getValue();
        }
    }
}
