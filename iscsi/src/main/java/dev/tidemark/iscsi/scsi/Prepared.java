package dev.tidemark.iscsi.scsi;

import io.netty.buffer.Unpooled;

/**
 * A command that was found sound, before its data came.
 *
 * @param dataOutBytes what it takes from the initiator
 * @param dataInBytes what it returns at most, for accounting
 * @param action carries it out
 */
public record Prepared(long dataOutBytes, long dataInBytes, Action action) {
    /** Carries a command out. */
    @FunctionalInterface
    public interface Action {
        /** Ends through the execution, or by an error thrown before anything was begun. */
        void run(Execution execution) throws ScsiError;
    }

    static Prepared withoutData(Action action) {
        return new Prepared(0, 0, action);
    }

    static Prepared reading(long bytes, Action action) {
        return new Prepared(0, bytes, action);
    }

    static Prepared writing(long bytes, Action action) {
        return new Prepared(bytes, 0, action);
    }

    /** Data that is ready, cut to the allocation length. */
    static Prepared answer(byte[] data, long allocationBytes) {
        int lengthBytes = (int) Math.min(data.length, allocationBytes);
        return new Prepared(
                0,
                lengthBytes,
                execution -> execution.good(Unpooled.wrappedBuffer(data, 0, lengthBytes)));
    }
}
