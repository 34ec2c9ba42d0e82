package dev.tidemark.blockdevice.filter;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * The outermost filter: checks every request once, so that what lies below may assert. In this
 * order: open, writable, length, alignment, range. A request of length 0 that passes succeeds here
 * and goes no further.
 *
 * <p>Reads and trims out of range fail with {@link ErrorCode#OUT_OF_RANGE}, writes and zeroes with
 * {@link ErrorCode#BEYOND_END}. Thread-safe.
 */
public final class ValidatingDevice extends Forwarding {
    private volatile boolean closed;

    public ValidatingDevice(BlockDevice below) {
        super(below);
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        BlockDeviceException refusal = checkRead(offsetBytes, lengthBytes);
        if (refusal != null) {
            done.failed(refusal);
        } else if (lengthBytes == 0) {
            done.succeeded(Unpooled.EMPTY_BUFFER);
        } else {
            super.read(offsetBytes, lengthBytes, done);
        }
    }

    private @Nullable BlockDeviceException checkRead(long offset, int length) {
        if (closed) {
            return shutdown("read");
        }
        Geometry geometry = geometry();
        BlockDeviceException refusal = checkLength("read", length, geometry.maximumBytes());
        return refusal != null
                ? refusal
                : checkRange("read", ErrorCode.OUT_OF_RANGE, offset, length, geometry);
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        int length = data.readableBytes();
        BlockDeviceException refusal = checkWrite(offsetBytes, length);
        if (refusal != null) {
            done.failed(refusal);
        } else if (length == 0) {
            done.succeeded();
        } else {
            super.write(offsetBytes, data, fua, done);
        }
    }

    private @Nullable BlockDeviceException checkWrite(long offset, int length) {
        BlockDeviceException refusal = checkWritable("write");
        if (refusal != null) {
            return refusal;
        }
        Geometry geometry = geometry();
        refusal = checkLength("write", length, geometry.maximumBytes());
        return refusal != null
                ? refusal
                : checkRange("write", ErrorCode.BEYOND_END, offset, length, geometry);
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        BlockDeviceException refusal = checkZero(offsetBytes, lengthBytes, deallocate);
        if (refusal != null) {
            done.failed(refusal);
        } else if (lengthBytes == 0) {
            done.succeeded();
        } else {
            super.zero(offsetBytes, lengthBytes, deallocate, fua, done);
        }
    }

    private @Nullable BlockDeviceException checkZero(long offset, long length, boolean deallocate) {
        String operation = deallocate ? "trim" : "zero";
        BlockDeviceException refusal = checkWritable(operation);
        if (refusal == null) {
            refusal = checkLength(operation, length, Long.MAX_VALUE);
        }
        ErrorCode outside = deallocate ? ErrorCode.OUT_OF_RANGE : ErrorCode.BEYOND_END;
        return refusal != null
                ? refusal
                : checkRange(operation, outside, offset, length, geometry());
    }

    @Override
    public void flush(Completion done) {
        if (closed) {
            done.failed(shutdown("flush"));
        } else {
            super.flush(done);
        }
    }

    @Override
    public void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        BlockDeviceException refusal = checkQuestion("status", offsetBytes, lengthBytes);
        if (refusal != null) {
            done.failed(refusal);
        } else {
            super.allocation(offsetBytes, lengthBytes, maximumCount, done);
        }
    }

    @Override
    public void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        BlockDeviceException refusal = checkQuestion("prefetch", offsetBytes, lengthBytes);
        if (refusal != null) {
            done.failed(refusal);
        } else if (lengthBytes == 0) {
            done.succeeded();
        } else {
            super.prefetch(offsetBytes, lengthBytes, done);
        }
    }

    private @Nullable BlockDeviceException checkQuestion(
            String operation, long offset, long length) {
        if (closed) {
            return shutdown(operation);
        }
        BlockDeviceException refusal = checkLength(operation, length, Long.MAX_VALUE);
        return refusal != null
                ? refusal
                : checkRange(operation, ErrorCode.OUT_OF_RANGE, offset, length, geometry());
    }

    @Override
    public void close() {
        closed = true;
        super.close();
    }

    private @Nullable BlockDeviceException checkWritable(String operation) {
        if (closed) {
            return shutdown(operation);
        }
        return features().readOnly() ? ReadOnlyDevice.refusal(operation) : null;
    }

    private static @Nullable BlockDeviceException checkLength(
            String operation, long length, long maximum) {
        if (length < 0) {
            return invalid(operation + " length " + length + " is negative");
        }
        return length > maximum
                ? invalid(operation + " length " + length + " exceeds maximum " + maximum)
                : null;
    }

    private static @Nullable BlockDeviceException checkRange(
            String operation, ErrorCode outside, long offset, long length, Geometry geometry) {
        int minimum = geometry.minimumBytes();
        if (((offset | length) & (minimum - 1)) != 0) {
            return invalid(
                    operation
                            + " offset "
                            + offset
                            + " length "
                            + length
                            + " is not aligned to "
                            + minimum
                            + " bytes");
        }
        long size = geometry.sizeBytes();
        // Never offset + length, which may overflow.
        if (offset < 0 || length > size - offset) {
            return new BlockDeviceException(
                    outside,
                    operation
                            + " offset "
                            + offset
                            + " length "
                            + length
                            + " reaches beyond the size "
                            + size);
        }
        return null;
    }

    private static BlockDeviceException invalid(String message) {
        return new BlockDeviceException(ErrorCode.INVALID, message);
    }

    private static BlockDeviceException shutdown(String operation) {
        return new BlockDeviceException(
                ErrorCode.SHUTDOWN, operation + " refused: the device is closed");
    }
}
