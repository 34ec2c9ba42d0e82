package dev.tidemark.replica;

import dev.tidemark.blockdevice.Completion;
import io.netty.buffer.ByteBuf;

/**
 * A write or zero of another site's host on its way into the copy's log, under its own number. Its
 * payload is a part of the batch, which outlives it.
 */
final class FeedWrite extends LiveWrite {
    FeedWrite(HeadLog log, Volume target, RecordWire record, long localSequence, Completion done) {
        super(log, target, done);
        ByteBuf data = record.payload.isReadable() ? record.payload : null;
        fill(record.kind, record.flags, record.offsetBytes, record.lengthBytes, data, false);
        keepTime(record.timeMicros);
        keepChecksums(record.checksums);
        expect(localSequence);
    }

    @Override
    protected boolean isOfHost() {
        return false;
    }
}
