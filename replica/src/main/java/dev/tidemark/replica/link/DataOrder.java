package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Puts a channel's DATA back into the order of its numbers, and holds the sender to its credit:
 * what waits for a gap was granted, so it is bounded. On the link's executor.
 */
final class DataOrder {
    /** DATA that may be taken; the body is the taker's. */
    record Data(int kind, ByteBuf body) {}

    private final Map<Long, Data> early = new HashMap<>();
    private long next = 1;
    private long receivedBytes;
    private long grantedBytes;

    DataOrder(long initialCreditBytes) {
        grantedBytes = initialCreditBytes;
    }

    void grant(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a grant of " + bytes + " bytes is negative");
        }
        grantedBytes += bytes;
    }

    /** All that was ever granted: what ACK tells. */
    long grantedBytes() {
        return grantedBytes;
    }

    /** The number up to which everything was taken. */
    long takenNumber() {
        return next - 1;
    }

    /**
     * Counts DATA against credit before its body is decompressed; returns whether there was enough.
     */
    boolean admit(int rawBytes) {
        if (rawBytes < 0 || Frames.credit(rawBytes) > grantedBytes - receivedBytes) {
            return false;
        }
        receivedBytes += Frames.credit(rawBytes);
        return true;
    }

    /** Takes DATA in; returns false, and does not take it, when that number came before. */
    boolean add(long number, Data data) {
        return number >= next && early.putIfAbsent(number, data) == null;
    }

    /** The next in order, or null while it has not come. */
    @Nullable Data poll() {
        Data data = early.remove(next);
        if (data != null) {
            next++;
        }
        return data;
    }

    /** Releases what waits. */
    void clear() {
        early.values().forEach(data -> data.body().release());
        early.clear();
    }
}
