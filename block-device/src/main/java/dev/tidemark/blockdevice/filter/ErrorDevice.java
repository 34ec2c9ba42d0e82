package dev.tidemark.blockdevice.filter;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import dev.tidemark.blockdevice.filter.Request.Kind;
import io.netty.buffer.ByteBuf;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A device that fails chosen requests, without handing them down; for trying out what lies above
 * it. Thread-safe if the choice is.
 */
public final class ErrorDevice extends Forwarding {
    /** Chooses what fails. */
    @FunctionalInterface
    public interface Choice {
        /** The code to fail a request with, or null to let it pass. */
        @Nullable ErrorCode codeFor(Request request);
    }

    private final Choice choice;

    public ErrorDevice(BlockDevice below, Choice choice) {
        super(below);
        this.choice = choice;
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        BlockDeviceException failure = failure(Kind.READ, offsetBytes, lengthBytes, false);
        if (failure != null) {
            done.failed(failure);
        } else {
            super.read(offsetBytes, lengthBytes, done);
        }
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        BlockDeviceException failure = failure(Kind.WRITE, offsetBytes, data.readableBytes(), fua);
        if (failure != null) {
            done.failed(failure);
        } else {
            super.write(offsetBytes, data, fua, done);
        }
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        BlockDeviceException failure =
                failure(deallocate ? Kind.TRIM : Kind.ZERO, offsetBytes, lengthBytes, fua);
        if (failure != null) {
            done.failed(failure);
        } else {
            super.zero(offsetBytes, lengthBytes, deallocate, fua, done);
        }
    }

    @Override
    public void flush(Completion done) {
        BlockDeviceException failure = failure(Kind.FLUSH, 0, 0, false);
        if (failure != null) {
            done.failed(failure);
        } else {
            super.flush(done);
        }
    }

    @Override
    public void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        BlockDeviceException failure = failure(Kind.STATUS, offsetBytes, lengthBytes, false);
        if (failure != null) {
            done.failed(failure);
        } else {
            super.allocation(offsetBytes, lengthBytes, maximumCount, done);
        }
    }

    @Override
    public void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        BlockDeviceException failure = failure(Kind.PREFETCH, offsetBytes, lengthBytes, false);
        if (failure != null) {
            done.failed(failure);
        } else {
            super.prefetch(offsetBytes, lengthBytes, done);
        }
    }

    private @Nullable BlockDeviceException failure(
            Kind kind, long offset, long length, boolean fua) {
        ErrorCode code = choice.codeFor(new Request(kind, offset, length, fua));
        if (code == null) {
            return null;
        }
        return new BlockDeviceException(
                code,
                kind.name().toLowerCase(Locale.ROOT)
                        + " offset "
                        + offset
                        + " length "
                        + length
                        + " failed on purpose");
    }
}
