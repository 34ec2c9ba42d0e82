package dev.tidemark.nbd;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.RangeStatus;
import java.util.Objects;

/**
 * A block status request (proto.md "NBD_CMD_BLOCK_STATUS"): every context answers with a chunk.
 *
 * <p>When one fails, the reply ends with its error, whatever the others say.
 */
final class StatusQuery extends PartedRequest {
    /** Extents one chunk may carry; the protocol's own limit is 2^20. */
    static final int MAXIMUM_EXTENTS = 16 << 10;

    /** What an extent takes until its reply is sent, more or less. */
    private static final int EXTENT_BYTES = 32;

    StatusQuery(PendingRequest request, long chargedBytes) {
        super(request, chargedBytes);
    }

    /** Most extents a request may be answered with for each context; at least 1. */
    static int maximumExtents(int flags, Geometry geometry) {
        if ((flags & CommandFlags.REQ_ONE) != 0) {
            return 1;
        }
        // No chunk may exceed the maximum payload (proto.md "Structured reply types").
        return Math.clamp(geometry.maximumBytes() / 16, 1, MAXIMUM_EXTENTS);
    }

    /** What a request may take at most. */
    static long chargedBytes(int flags, int contexts) {
        return (flags & CommandFlags.REQ_ONE) != 0
                ? (long) contexts * EXTENT_BYTES
                : (long) contexts * MAXIMUM_EXTENTS * EXTENT_BYTES;
    }

    @Override
    void answer(PendingRequest part, ChunkWriter replies) {
        BlockDeviceException failure = part.failure;
        if (failure != null) {
            fail(failure);
        } else {
            RangeStatus status = Objects.requireNonNull(part.status);
            assert status.count() > 0 && status.offsetBytes() == offsetBytes : "nothing told";
            boolean done = last() && error() == NbdError.OK;
            replies.status(cookie, offsetBytes, part.contextId, status, done);
        }
        if (last() && error() != NbdError.OK) {
            replies.failed(cookie, offsetBytes, error(), text());
        }
    }
}
