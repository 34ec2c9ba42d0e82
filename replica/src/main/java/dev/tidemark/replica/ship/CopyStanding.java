package dev.tidemark.replica.ship;

import dev.tidemark.replica.StreamPosition;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * Where a copy stands, as it answers a source that opens a channel of shipping: state u8, position,
 * floor u64.
 *
 * @param half it was half synchronised: the position is of the record after which that began
 * @param position of its last record, in the source's numbers
 * @param floorMicros no record of its newest stretch is older, whatever its source says; 0 when all
 *     have their source's times
 */
record CopyStanding(boolean half, StreamPosition position, long floorMicros) {
    private static final int ENCODED_BYTES = 29;

    /** What is said where there is no copy yet. */
    static ByteBuf encodeNone() {
        return Unpooled.buffer(1).writeByte(Kinds.OPENED_UNKNOWN);
    }

    ByteBuf encode() {
        return Unpooled.buffer(ENCODED_BYTES)
                .writeByte(half ? Kinds.OPENED_HALF : Kinds.OPENED_POSITION)
                .writeLongLE(position.sequence())
                .writeLongLE(position.timeMicros())
                .writeIntLE(position.epoch())
                .writeLongLE(floorMicros);
    }

    /** Null when there is no copy yet. */
    static @Nullable CopyStanding decode(ByteBuf body) throws MalformedMessageException {
        Bytes.require(body, 1);
        byte answer = body.readByte();
        if (answer == Kinds.OPENED_UNKNOWN) {
            return null;
        }
        Bytes.require(body, ENCODED_BYTES - 1);
        StreamPosition copy =
                new StreamPosition(body.readLongLE(), body.readLongLE(), body.readIntLE());
        long floorMicros = body.readLongLE();
        if (answer < Kinds.OPENED_POSITION
                || answer > Kinds.OPENED_HALF
                || (copy.sequence() < 0 && copy.sequence() != -1)
                || copy.timeMicros() < 0
                || copy.epoch() < 0
                || floorMicros < 0) {
            throw new MalformedMessageException("answer " + answer + " with " + copy);
        }
        return new CopyStanding(answer == Kinds.OPENED_HALF, copy, floorMicros);
    }
}
