package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.journal.PendingRecord;
import dev.tidemark.journal.RecordKind;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** A host's write or zero on its way into the redo log: the request is its own record. */
class LiveWrite extends PendingRecord {
    private final HeadLog log;
    private final Volume target;
    private final Completion done;

    /** The promotion under way when this record got its place in the order. */
    private @Nullable Promoted claimed;

    /** Why it was left out. */
    private @Nullable BlockDeviceException refusal;

    LiveWrite(HeadLog log, Volume target, Completion done) {
        this.log = log;
        this.target = target;
        this.done = done;
    }

    LiveWrite write(long offsetBytes, ByteBuf data, boolean fua) {
        int flags = fua ? FLAG_FUA : 0;
        return fill(RecordKind.WRITE, flags, offsetBytes, data.readableBytes(), data, fua);
    }

    LiveWrite zero(long offsetBytes, long lengthBytes, boolean deallocate, boolean fua) {
        int flags = (fua ? FLAG_FUA : 0) | (deallocate ? FLAG_DEALLOCATE : 0);
        return fill(RecordKind.ZERO, flags, offsetBytes, lengthBytes, null, fua);
    }

    final LiveWrite fill(
            RecordKind kind,
            int flags,
            long offsetBytes,
            long lengthBytes,
            @Nullable ByteBuf data,
            boolean force) {
        reset(kind, flags, target.id(), offsetBytes, lengthBytes, data, force);
        return this;
    }

    final Volume target() {
        return target;
    }

    /** Why it gets no number now; null when it does. Under the redo log's lock. */
    protected @Nullable BlockDeviceException refusal(HeadLog now) {
        return now.refusal();
    }

    @Override
    protected boolean prepare() {
        refusal = refusal(log);
        if (refusal != null) {
            return false;
        }
        claimed = log.head().claim(this);
        return true;
    }

    @Override
    protected final void appended() {
        log.appended(this);
        endClaim();
    }

    private void endClaim() {
        Promoted promoted = claimed;
        if (promoted != null) {
            claimed = null;
            promoted.endClaim(this);
        }
    }

    @Override
    protected void completed() {
        BlockDeviceException refused = refusal;
        if (refused == null) {
            done.succeeded();
        } else {
            done.failed(refused);
        }
    }

    @Override
    protected void failed(BlockDeviceException failure) {
        endClaim();
        done.failed(failure);
    }
}
