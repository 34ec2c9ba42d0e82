package dev.tidemark.nbd;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.RangeStatus;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/**
 * A read of a range that is partly zeros (proto.md "NBD_REPLY_TYPE_OFFSET_HOLE"): the zeros are
 * told, only the rest is read.
 *
 * <p>A part that cannot be read becomes an error with its offset; the others still arrive.
 */
final class SparseRead extends PartedRequest {
    /** A shorter read is not worth a question. */
    static final int MINIMUM_BYTES = 64 << 10;

    /** Extents looked at; what lies behind them is read. */
    static final int MAXIMUM_EXTENTS = 32;

    /** Fewer zeros are sent as data: a chunk of its own would cost more. */
    private static final int MINIMUM_HOLE_BYTES = 4 << 10;

    /** Takes what is to be read; at least one byte. */
    interface Reader {
        void read(SparseRead whole, long offsetBytes, int lengthBytes);
    }

    SparseRead(PendingRequest request) {
        super(request, request.lengthBytes);
    }

    /** Whether a range has zeros worth telling. */
    static boolean worthwhile(RangeStatus status) {
        for (int index = 0; index < status.count(); index++) {
            if (isHole(status, index)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isHole(RangeStatus status, int index) {
        return (status.value(index) & Allocation.ZERO) != 0
                && status.lengthBytes(index) >= MINIMUM_HOLE_BYTES;
    }

    /**
     * Tells all zeros and has the rest read. Returns false when there was nothing to read, so that
     * the reply is complete.
     */
    boolean start(RangeStatus status, ChunkWriter replies, Reader reader) {
        long endBytes = offsetBytes + lengthBytes;
        long[] holeStarts = new long[status.count() + 1];
        long[] holeEnds = new long[status.count() + 1];
        int holes = 0;
        long start = status.offsetBytes();
        for (int index = 0; index < status.count(); index++) {
            long end = start + status.lengthBytes(index);
            if (isHole(status, index)) {
                holeStarts[holes] = start;
                holeEnds[holes++] = end;
            }
            start = end;
        }
        boolean dense = holes == 1 && holeStarts[0] == offsetBytes && holeEnds[0] == endBytes;
        for (int index = 0; index < holes; index++) {
            int holeBytes = (int) (holeEnds[index] - holeStarts[index]);
            replies.hole(cookie, offsetBytes, holeStarts[index], holeBytes, dense);
        }
        if (dense) {
            return false;
        }
        holeStarts[holes] = endBytes;
        readBetween(holeStarts, holeEnds, holes + 1, reader);
        return true;
    }

    /** All parts are counted before the first is read, since it may be answered at once. */
    private void readBetween(long[] holeStarts, long[] holeEnds, int count, Reader reader) {
        long[] starts = new long[count];
        int[] lengths = new int[count];
        int parts = 0;
        long at = offsetBytes;
        for (int index = 0; index < count; index++) {
            if (holeStarts[index] > at) {
                starts[parts] = at;
                lengths[parts++] = (int) (holeStarts[index] - at);
            }
            at = holeEnds[index];
        }
        expect(parts);
        for (int index = 0; index < parts; index++) {
            reader.read(this, starts[index], lengths[index]);
        }
    }

    @Override
    void answer(PendingRequest part, ChunkWriter replies) {
        BlockDeviceException failure = part.failure;
        if (failure != null) {
            NbdError failed = fail(failure);
            replies.failedAt(cookie, offsetBytes, part.offsetBytes, failed, text(failure), last());
            return;
        }
        ByteBuf data = part.data == null ? Unpooled.EMPTY_BUFFER : part.data;
        part.data = null;
        assert data.readableBytes() == part.lengthBytes : "device read too little";
        replies.data(cookie, offsetBytes, part.offsetBytes, data, last());
    }
}
