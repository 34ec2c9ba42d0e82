package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.RecordKind;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * A part of a synchronisation on its way into the copy's log, under the next number there is. Its
 * bytes are a part of what arrived, which outlives it.
 */
final class SyncWrite extends LiveWrite {
    private final int source;

    SyncWrite(
            HeadLog log,
            Volume target,
            Completion done,
            int source,
            long localSequence,
            long micros) {
        super(log, target, done);
        this.source = source;
        expect(localSequence);
        keepTime(micros);
    }

    SyncWrite data(long offsetBytes, ByteBuf data) {
        int length = data.readableBytes();
        fill(RecordKind.WRITE, PendingRecord.FLAG_INTERNAL, offsetBytes, length, data, false);
        return this;
    }

    /** Checksums that came with the bytes. */
    SyncWrite checkedBy(int[] checksums) {
        keepChecksums(checksums);
        return this;
    }

    SyncWrite zeros(long offsetBytes, long lengthBytes, boolean deallocate) {
        int flags = PendingRecord.FLAG_INTERNAL | (deallocate ? PendingRecord.FLAG_DEALLOCATE : 0);
        fill(RecordKind.ZERO, flags, offsetBytes, lengthBytes, null, false);
        return this;
    }

    @Override
    protected @Nullable BlockDeviceException refusal(HeadLog now) {
        return now.refusal(source);
    }
}
