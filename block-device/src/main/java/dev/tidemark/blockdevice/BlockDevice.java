package dev.tidemark.blockdevice;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * A disk as every layer of the gateway sees it: the live disk, a point in time, a test image, and
 * every filter around them.
 *
 * <p><b>Asynchronous, one error path.</b> Every request ends through its completion, exactly once,
 * either on the calling thread before the method returns or later on any thread. No method throws
 * for a request's sake; a throw is a bug in the device.
 *
 * <p><b>Batches.</b> A caller hands over all requests it has at hand (for a server: everything one
 * socket read brought in), then calls {@link #submit()} once. A device may hold writes back until
 * then, so that they share one append; it may also start at once. A request without a following
 * {@code submit()} may wait for ever.
 *
 * <p><b>Buffers.</b> The caller owns a write's buffer until its completion runs and releases it
 * afterwards; who keeps bytes longer, retains them. The buffer's reader index and content must not
 * change until then, and the device moves neither index. A read's buffer is created by the device
 * and becomes the caller's, who releases it.
 *
 * <p><b>Order.</b> There is none between requests in flight. A {@link #flush} covers every write
 * whose completion ran before the flush was handed over, on any handle of the same disk. A write
 * with {@code fua} covers itself.
 *
 * <p><b>Ranges.</b> Any byte alignment works. A range must lie inside {@link Geometry#sizeBytes()},
 * a read or write length must not exceed {@link Geometry#maximumBytes()}: checked once by the
 * outermost filter ({@code ValidatingDevice}), asserted below it. A length of 0 succeeds.
 *
 * <p><b>Threads.</b> All methods may be called from any thread. A request that needs no disk wait
 * completes on the caller's thread in the same turn; what may wait for a disk is moved to an I/O
 * executor by the device itself.
 */
public interface BlockDevice {

    /** The current shape; the size may grow while the device is in use, never shrink. */
    Geometry geometry();

    /** What this device can do; constant for the life of the handle. */
    Features features();

    /** Reads {@code lengthBytes} bytes at {@code offsetBytes}. */
    void read(long offsetBytes, int lengthBytes, ReadCompletion done);

    /**
     * Writes the readable bytes of {@code data} at {@code offsetBytes}.
     *
     * @param fua complete only once these bytes are on stable storage
     */
    void write(long offsetBytes, ByteBuf data, boolean fua, Completion done);

    /**
     * Makes a range read as zeros without carrying a payload. Trim is this with {@code deallocate}:
     * a trimmed range reads as zeros here, always, so that every view of a point agrees.
     *
     * @param deallocate the range may become a hole; false keeps its space allocated where the
     *     device has that notion
     * @param fua complete only once this is on stable storage
     */
    void zero(long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done);

    /** Completes once every write completed before this call is on stable storage. */
    void flush(Completion done);

    /**
     * Tells which parts of a range hold data, in the bits of {@link Allocation}; as {@link
     * StatusSource#status}. What is called zero reads as zeros as long as nobody writes there; what
     * is called data may still be zeros.
     */
    default void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        done.succeeded(RangeStatus.uniform(offsetBytes, lengthBytes, 0));
    }

    /**
     * Brings a range into memory, as far as there is room, so that reads of it soon after need no
     * disk wait. Completes once that is done or known to be of no use; changes nothing that can be
     * seen.
     */
    default void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        done.succeeded();
    }

    /**
     * How full the storage behind a thin disk is, null when the device does not know. On any
     * thread, often: cheap, and waits for nothing; the same object as long as nothing new is known.
     */
    default @Nullable SharedSpace sharedSpace() {
        return null;
    }

    /**
     * Ends a batch: everything handed over by this thread so far is started now. Cheap when there
     * is nothing to start.
     */
    void submit();

    /**
     * Releases the handle. Requests in flight finish first; later requests fail with {@link
     * ErrorCode#SHUTDOWN}. Idempotent.
     */
    void close();
}
