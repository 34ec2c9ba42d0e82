package dev.tidemark.blockdevice.model;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A completion of any kind that remembers how its request ended, copies and releases a read's
 * bytes, and counts, so that a test can see a second end. Thread-safe.
 */
public final class Outcome implements Completion, ReadCompletion, StatusCompletion {
    private static final long PATIENCE_SECONDS = 30;

    private final CountDownLatch ended = new CountDownLatch(1);
    private int endCount; // guarded by this
    private byte @Nullable [] bytes; // guarded by this
    private @Nullable RangeStatus status; // guarded by this
    private @Nullable BlockDeviceException failure; // guarded by this

    @Override
    public synchronized void succeeded() {
        endCount++;
        ended.countDown();
    }

    @Override
    public synchronized void succeeded(ByteBuf data) {
        byte[] copy = new byte[data.readableBytes()];
        data.readBytes(copy);
        data.release();
        bytes = copy;
        succeeded();
    }

    @Override
    public synchronized void succeeded(RangeStatus answer) {
        status = answer;
        succeeded();
    }

    @Override
    public synchronized void failed(BlockDeviceException failed) {
        failure = failed;
        succeeded();
    }

    public boolean isEnded() {
        return ended.getCount() == 0;
    }

    /** How often the request ended: a correct device makes it 1. */
    public synchronized int endCount() {
        return endCount;
    }

    /** Waits for the end, half a minute at most. */
    public Outcome await() {
        try {
            if (!ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError(
                        "the request did not end within " + PATIENCE_SECONDS + " s");
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", interrupted);
        }
        return this;
    }

    /** Asserts success. */
    public synchronized Outcome expectSuccess() {
        if (!isEnded()) {
            throw new AssertionError("the request has not ended");
        }
        if (failure != null) {
            throw new AssertionError("the request failed with " + failure.code(), failure);
        }
        return this;
    }

    /** Asserts success and returns what was read. */
    public synchronized byte[] expectBytes() {
        expectSuccess();
        if (bytes == null) {
            throw new AssertionError("the request was no read");
        }
        return bytes;
    }

    /** Asserts success and returns what was told of a range. */
    public synchronized RangeStatus expectStatus() {
        expectSuccess();
        if (status == null) {
            throw new AssertionError("the request was no question about a range");
        }
        return status;
    }

    /** Asserts failure with this code and returns it. */
    public synchronized BlockDeviceException expectFailure(ErrorCode code) {
        if (failure == null) {
            throw new AssertionError(
                    isEnded() ? "the request succeeded" : "the request has not ended");
        }
        if (failure.code() != code) {
            throw new AssertionError(
                    "expected " + code + " but failed with " + failure.code(), failure);
        }
        return failure;
    }
}
