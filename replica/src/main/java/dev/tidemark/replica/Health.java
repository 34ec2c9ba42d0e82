package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ErrorCode;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Whether a group works, is stalled, has failed or is closing. Thread-safe. */
final class Health {
    private final UUID group;
    private final GroupListener listener;
    private volatile @Nullable String failure;
    private volatile @Nullable String stall;
    private volatile boolean closing;

    Health(UUID group, GroupListener listener) {
        this.group = group;
        this.listener = listener;
    }

    /** Stops writes and flushes for good; reads go on. Only the first reason counts. */
    void fail(String reason) {
        synchronized (this) {
            if (failure != null || closing) {
                return;
            }
            failure = reason;
        }
        listener.failed(group, reason);
    }

    boolean hasFailed() {
        return failure != null;
    }

    /** Says so once until {@link #resume}. */
    void stall(String reason) {
        boolean first = stall == null;
        stall = reason;
        if (first && !closing) {
            listener.stalled(group, reason);
        }
    }

    void resume() {
        if (stall != null) {
            stall = null;
            listener.resumed(group);
        }
    }

    @Nullable String stallReason() {
        return stall;
    }

    void startClosing() {
        closing = true;
    }

    boolean isClosing() {
        return closing;
    }

    /** Why writes and flushes are refused now; null when they are not. */
    @Nullable BlockDeviceException refusal() {
        String reason = failure;
        if (reason != null) {
            return new BlockDeviceException(
                    ErrorCode.DEVICE_FAILED, "group " + group + " has failed: " + reason);
        }
        return closing ? Failures.closed("group " + group) : null;
    }

    GroupState state(boolean promoting) {
        if (failure != null) {
            return GroupState.FAILED;
        }
        if (closing) {
            return GroupState.CLOSED;
        }
        if (stall != null) {
            return GroupState.STALLED;
        }
        return promoting ? GroupState.PROMOTING : GroupState.NORMAL;
    }

    String reason() {
        String failed = failure;
        String stalled = stall;
        return failed != null ? failed : stalled != null ? stalled : "";
    }
}
