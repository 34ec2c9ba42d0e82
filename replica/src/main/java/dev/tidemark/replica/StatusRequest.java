package dev.tidemark.replica;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ExtentMap;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.StatusCompletion;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * One question about a range, answered on the I/O executor: index blocks and a file system's
 * extents may have to be read. The range is described window by window, into a map that is thrown
 * away; a window that holds little makes the next one wider, so that what nobody ever wrote costs
 * little, and memory is bounded by a window's content. After a bounded number of windows the answer
 * stops short.
 */
final class StatusRequest implements Runnable {
    /** Describes a window. */
    interface Painter {
        /**
         * Puts values over a window, from its start on and without a gap; may stop once the map has
         * {@code limit} extents.
         *
         * @return where it stopped, behind the window's start
         */
        long paint(long offsetBytes, long lengthBytes, int limit, ExtentMap into)
                throws BlockDeviceException;
    }

    private static final long FIRST_WINDOW_BYTES = 1 << 20;
    private static final long LARGEST_WINDOW_BYTES = 256 << 20;
    private static final int MAXIMUM_WINDOWS = 1024;
    private static final int FEW = 64;

    private final Painter painter;
    private final long endBytes;
    private final int limit;
    private final RangeStatus.Builder answer;
    private final StatusCompletion done;

    private StatusRequest(
            Painter painter,
            long offsetBytes,
            long lengthBytes,
            int maximumCount,
            StatusCompletion done) {
        this.painter = painter;
        this.endBytes = offsetBytes + lengthBytes;
        this.limit = Math.max(FEW, Math.min(maximumCount, FEW * FEW));
        this.answer = new RangeStatus.Builder(offsetBytes, maximumCount);
        this.done = done;
    }

    static void start(
            Painter painter,
            long offsetBytes,
            long lengthBytes,
            int maximumCount,
            Executor io,
            StatusCompletion done) {
        StatusRequest request =
                new StatusRequest(painter, offsetBytes, lengthBytes, maximumCount, done);
        try {
            io.execute(request);
        } catch (RejectedExecutionException stopped) {
            done.failed(Failures.closed("the gateway"));
        }
    }

    @Override
    public void run() {
        try {
            describe();
        } catch (BlockDeviceException failure) {
            done.failed(failure);
            return;
        }
        done.succeeded(answer.build());
    }

    private void describe() throws BlockDeviceException {
        long windowBytes = FIRST_WINDOW_BYTES;
        boolean room = true;
        for (int i = 0; room && i < MAXIMUM_WINDOWS && answer.endBytes() < endBytes; i++) {
            long start = answer.endBytes();
            ExtentMap window = new ExtentMap();
            long length = Math.min(windowBytes, endBytes - start);
            long end = painter.paint(start, length, limit, window);
            room = new Taking(answer).take(window, start, end);
            if (window.count() < FEW) {
                windowBytes = Math.min(windowBytes * 2, LARGEST_WINDOW_BYTES);
            }
        }
    }

    /** Takes a window's extents into the answer until that is full. */
    private static final class Taking implements ExtentMap.Visitor {
        private final RangeStatus.Builder answer;
        private boolean room = true;

        Taking(RangeStatus.Builder answer) {
            this.answer = answer;
        }

        boolean take(ExtentMap window, long start, long end) {
            assert end > start : "a window of nothing at " + start;
            window.visit(start, end - start, this);
            return room;
        }

        @Override
        public void extent(long offset, long length, long origin, long a, long b) {
            room = room && answer.add(length, a);
        }

        @Override
        public void gap(long offset, long length) {
            throw new AssertionError("nothing is said about " + offset + " + " + length);
        }
    }
}
