package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * A write or zero of another site's host on its way into the copy's log, under its own number. Its
 * payload is a part of the batch, which outlives it.
 */
final class FeedWrite extends LiveWrite {
    private final int source;

    FeedWrite(
            HeadLog log,
            Volume target,
            RecordWire record,
            long localSequence,
            int source,
            Completion done) {
        super(log, target, done);
        this.source = source;
        ByteBuf data = record.payload.isReadable() ? record.payload : null;
        fill(record.kind, record.flags, record.offsetBytes, record.lengthBytes, data, false);
        keepTime(record.timeMicros);
        keepChecksums(record.checksums);
        expect(localSequence);
    }

    @Override
    protected @Nullable BlockDeviceException refusal(HeadLog now) {
        return now.refusal(source);
    }
}
