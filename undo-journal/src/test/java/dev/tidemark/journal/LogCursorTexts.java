package dev.tidemark.journal;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/** Reads a checkpoint record's texts back from its payload. */
final class LogCursorTexts {
    private LogCursorTexts() {}

    static String nameOf(PendingRecord record) {
        ByteBuffer texts = ByteBuffer.allocate(record.payloadBytes());
        ByteBuf payload = Objects.requireNonNull(record.payload());
        payload.getBytes(payload.readerIndex(), texts);
        return LogCursor.checkpointOf(
                        1,
                        1,
                        PendingRecord.FLAG_TAGGED,
                        texts.flip().order(ByteOrder.LITTLE_ENDIAN))
                .name();
    }
}
