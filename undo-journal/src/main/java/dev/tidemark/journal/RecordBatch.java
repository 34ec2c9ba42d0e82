package dev.tidemark.journal;

import dev.tidemark.storage.StorageException;
import dev.tidemark.storage.StorageFile;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Staged records on their way to one gathered write. Headers and small payloads are copied behind
 * each other into a direct buffer, large payloads are gathered from where they are. Guarded by the
 * log's lock.
 */
final class RecordBatch {
    /** Payloads below this are copied: cheaper than a buffer of their own in the gathered write. */
    static final int COPY_BELOW_BYTES = 8 << 10;

    private static final int SPARE_BYTES =
            SegmentHeader.RESERVED_BYTES + 2 * RecordHeader.MAXIMUM_HEADER_BYTES;

    private final int owner;
    private final ByteBuffer staging;
    private final ByteBuffer checksumView;
    private final CRC32C crc = new CRC32C();

    /** What goes to the file, in order: views of the staging buffer between foreign buffers. */
    private ByteBuffer[] gather = new ByteBuffer[64];

    private int gatherCount;

    /** Views of the staging buffer, used again and again. */
    private ByteBuffer[] views = new ByteBuffer[16];

    private int viewCount;

    /** Staged bytes from here on are in no view yet. */
    private int viewedTo;

    private @Nullable PendingRecord head;
    private @Nullable PendingRecord tail;
    private int count;
    private int startPosition;
    private int endPosition;

    RecordBatch(int batchBytes, int owner) {
        this.owner = owner;
        staging =
                ByteBuffer.allocateDirect(batchBytes + COPY_BELOW_BYTES + SPARE_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN);
        checksumView = staging.duplicate();
    }

    /** Begins at a position of the current segment. The batch is empty. */
    void startAt(int position) {
        assert isEmpty() && staging.position() == 0;
        startPosition = position;
        endPosition = position;
    }

    /** Begins a new segment: the header goes out with the first records. */
    void startSegment(SegmentHeader header) {
        startAt(0);
        header.encode(staging);
        while (staging.position() < SegmentHeader.RESERVED_BYTES) {
            staging.putLong(0);
        }
        endPosition = SegmentHeader.RESERVED_BYTES;
    }

    boolean isEmpty() {
        return count == 0;
    }

    int count() {
        return count;
    }

    /** Position in the segment of the first byte. */
    int startPosition() {
        return startPosition;
    }

    /** Position in the segment after the last byte: where the next record goes. */
    int endPosition() {
        return endPosition;
    }

    int bytes() {
        return endPosition - startPosition;
    }

    /** True when the staging buffer holds what the record needs of it. */
    boolean fits(int payloadBytes) {
        int copied = payloadBytes < COPY_BELOW_BYTES ? payloadBytes : 0;
        return staging.remaining()
                >= RecordHeader.headerBytes(payloadBytes) + copied + 2 * RecordHeader.ALIGNMENT;
    }

    /** Appends a record whose sequence number, time and place are set. */
    void add(PendingRecord record, long durableSequence, int epoch) {
        @Nullable ByteBuf payload = record.payload;
        int payloadBytes = record.payloadBytes();
        RecordHeader.encode(
                record, payloadBytes, durableSequence, epoch, owner, staging, checksumView, crc);
        if (payload != null) {
            if (payloadBytes < COPY_BELOW_BYTES) {
                copy(payload, payloadBytes);
            } else {
                gatherFrom(payload, payloadBytes);
            }
            pad(payloadBytes);
        }
        endPosition += RecordHeader.recordBytes(payloadBytes);
        link(record);
    }

    private void copy(ByteBuf payload, int payloadBytes) {
        int end = staging.position() + payloadBytes;
        staging.limit(end);
        payload.getBytes(payload.readerIndex(), staging);
        staging.limit(staging.capacity()).position(end);
    }

    private void gatherFrom(ByteBuf payload, int payloadBytes) {
        endView();
        if (payload.nioBufferCount() == 1) {
            addGathered(payload.nioBuffer(payload.readerIndex(), payloadBytes));
            return;
        }
        for (ByteBuffer part : payload.nioBuffers(payload.readerIndex(), payloadBytes)) {
            addGathered(part);
        }
    }

    private void pad(int payloadBytes) {
        for (int i = payloadBytes; i < RecordHeader.align(payloadBytes); i++) {
            staging.put((byte) 0);
        }
    }

    private void link(PendingRecord record) {
        record.next = null;
        if (tail == null) {
            head = record;
        } else {
            tail.next = record;
        }
        tail = record;
        count++;
    }

    private void endView() {
        if (staging.position() == viewedTo) {
            return;
        }
        if (viewCount == views.length) {
            views = Arrays.copyOf(views, viewCount * 2);
        }
        ByteBuffer view = views[viewCount];
        if (view == null) {
            view = staging.duplicate();
            views[viewCount] = view;
        }
        viewCount++;
        view.limit(staging.position()).position(viewedTo);
        viewedTo = staging.position();
        addGathered(view);
    }

    private void addGathered(ByteBuffer buffer) {
        if (gatherCount == gather.length) {
            gather = Arrays.copyOf(gather, gatherCount * 2);
        }
        gather[gatherCount++] = buffer;
    }

    /**
     * Writes everything with one call. The batch must be taken afterwards, written or not.
     *
     * @param behind written behind the records; see {@link WrittenGround}
     */
    void write(StorageFile file, @Nullable ByteBuffer behind) throws StorageException {
        endView();
        if (behind != null) {
            addGathered(behind);
        }
        if (gatherCount == 1) {
            file.write(startPosition, gather[0]);
        } else {
            file.write(startPosition, gather, 0, gatherCount);
        }
    }

    /** Hands out the records, linked in order, and makes the batch empty. */
    @Nullable PendingRecord take() {
        PendingRecord records = head;
        head = null;
        tail = null;
        count = 0;
        Arrays.fill(gather, 0, gatherCount, null);
        gatherCount = 0;
        viewCount = 0;
        viewedTo = 0;
        staging.clear();
        startPosition = endPosition;
        return records;
    }
}
