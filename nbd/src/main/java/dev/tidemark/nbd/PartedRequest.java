package dev.tidemark.nbd;

import dev.tidemark.blockdevice.BlockDeviceException;
import java.util.Objects;

/**
 * A request that the device answers in parts, each a {@link PendingRequest} of its own, and whose
 * reply has a chunk for each. Belongs to its connection's event loop.
 */
abstract sealed class PartedRequest permits SparseRead, StatusQuery {
    final NbdCommand command;
    final long cookie;
    final long offsetBytes;
    final long lengthBytes;
    final long startNanos;

    /** What the request adds to the connection's bytes in flight. */
    final long chargedBytes;

    /** Parts the device has not answered yet. */
    private int outstanding;

    private NbdError error = NbdError.OK;
    private String text = "";

    PartedRequest(PendingRequest request, long chargedBytes) {
        this.command = request.command;
        this.cookie = request.cookie;
        this.offsetBytes = request.offsetBytes;
        this.lengthBytes = request.lengthBytes;
        this.startNanos = request.startNanos;
        this.chargedBytes = chargedBytes;
    }

    /** One more part is handed over, or is about to be. */
    final void expect(int parts) {
        outstanding += parts;
    }

    /** The device is done with a part; returns whether it was the last one. */
    final boolean settle() {
        return --outstanding == 0;
    }

    /** No part is left but the one at hand. */
    final boolean last() {
        return outstanding == 1;
    }

    /** {@link NbdError#OK} as long as nothing has failed. */
    final NbdError error() {
        return error;
    }

    final String text() {
        return text;
    }

    /** Remembers the first failure. */
    final NbdError fail(BlockDeviceException failure) {
        NbdError failed = NbdError.of(failure.code(), command);
        if (error == NbdError.OK) {
            error = failed;
            text = text(failure);
        }
        return failed;
    }

    static String text(BlockDeviceException failure) {
        return Objects.requireNonNullElse(failure.getMessage(), failure.code().name());
    }

    /** Writes the chunk of a part that the device has answered; marks the last as done. */
    abstract void answer(PendingRequest part, ChunkWriter replies);
}
