package dev.tidemark.nbd;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * A request the device is working on, and its completion. Reused by its connection once it is
 * answered. Fields are set on the event loop; the outcome is set by whoever completes it, and read
 * on the event loop after it went through {@link TransmissionHandler#completed}.
 */
final class PendingRequest implements Completion, ReadCompletion, StatusCompletion {
    private final TransmissionHandler connection;

    NbdCommand command = NbdCommand.FLUSH;
    long cookie;
    long offsetBytes;
    long lengthBytes;
    long startNanos;

    /** What the request adds to the connection's bytes in flight. */
    long chargedBytes;

    /** A read whose device is first asked where its range has zeros. */
    boolean asking;

    /** A write's bytes, released when the request is answered. */
    @Nullable ByteBuf payload;

    /** A read's bytes. */
    @Nullable ByteBuf data;

    /** The answer to a question about a range. */
    @Nullable RangeStatus status;

    /** What this is a part of; null when it is a request of its own. */
    @Nullable PartedRequest whole;

    /** The metadata context that a part asks. */
    int contextId;

    @Nullable BlockDeviceException failure;

    boolean completed;

    /** The next one in a {@link CompletionQueue}. */
    @Nullable PendingRequest next;

    PendingRequest(TransmissionHandler connection) {
        this.connection = connection;
    }

    void begin(RequestHeader header, NbdCommand known) {
        command = known;
        cookie = header.cookie;
        offsetBytes = header.offsetBytes;
        lengthBytes = header.lengthBytes;
        completed = false;
    }

    /** The same request goes to the device once more. */
    void beginAgain() {
        status = null;
        failure = null;
        completed = false;
    }

    /** Makes this the part of another request that concerns a range. */
    void beginPart(PartedRequest request, long partOffsetBytes, long partLengthBytes) {
        whole = request;
        command = request.command;
        offsetBytes = partOffsetBytes;
        lengthBytes = partLengthBytes;
        completed = false;
    }

    @Override
    public void succeeded() {
        complete();
    }

    @Override
    public void succeeded(ByteBuf bytes) {
        data = bytes;
        complete();
    }

    @Override
    public void succeeded(RangeStatus answer) {
        status = answer;
        complete();
    }

    @Override
    public void failed(BlockDeviceException why) {
        failure = why;
        complete();
    }

    private void complete() {
        assert !completed : command + " completed twice";
        completed = true;
        connection.completed(this);
    }

    /** Lets go of everything but the object itself. */
    void clear() {
        ByteBuf written = payload;
        payload = null;
        if (written != null) {
            written.release();
        }
        ByteBuf read = data;
        data = null;
        if (read != null) {
            read.release();
        }
        failure = null;
        status = null;
        whole = null;
        asking = false;
        next = null;
    }
}
