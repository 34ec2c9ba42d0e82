package dev.tidemark.iscsi;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.SharedSpace;
import dev.tidemark.blockdevice.StatusCompletion;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory, thin by 4 KiB, that a test can hold back, fail, grow and count. Requests wait
 * for {@link #submit}, so that a server that forgets it hangs. Thread-safe.
 */
@SuppressWarnings("FutureReturnValueIgnored") // what a slow request came to, its completion says
final class TestDisk implements BlockDevice {
    private static final int PAGE_BYTES = 4096;

    private final Features features;
    private final int maximumBytes;
    private final List<Runnable> batch = new ArrayList<>(); // guarded by this, like all below
    private final List<Runnable> held = new ArrayList<>();
    private final Map<Integer, byte[]> pages = new HashMap<>();
    private long sizeBytes;
    private boolean holding;
    private volatile long zeroMs;
    private @Nullable ErrorCode failure;
    private volatile @Nullable SharedSpace space;

    final AtomicInteger reads = new AtomicInteger();
    final AtomicInteger writes = new AtomicInteger();
    final AtomicInteger forced = new AtomicInteger();
    final AtomicInteger flushes = new AtomicInteger();

    TestDisk(long sizeBytes) {
        this(sizeBytes, Features.LIVE);
    }

    TestDisk(long sizeBytes, Features features) {
        this.sizeBytes = sizeBytes;
        this.features = features;
        this.maximumBytes = Geometry.DEFAULT_MAXIMUM_BYTES;
    }

    @Override
    public synchronized Geometry geometry() {
        return new Geometry(sizeBytes, 1, PAGE_BYTES, maximumBytes);
    }

    @Override
    public Features features() {
        return features;
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        reads.incrementAndGet();
        add(() -> {
            BlockDeviceException why = failure();
            if (why != null) {
                done.failed(why);
            } else {
                done.succeeded(
                        ByteBufAllocator.DEFAULT
                                .directBuffer(lengthBytes)
                                .writeBytes(content(offsetBytes, lengthBytes)));
            }
        });
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        writes.incrementAndGet();
        if (fua) {
            forced.incrementAndGet();
        }
        add(() -> {
            if (!failed(done)) {
                byte[] bytes = new byte[data.readableBytes()];
                data.getBytes(data.readerIndex(), bytes);
                fill(offsetBytes, bytes);
                done.succeeded();
            }
        });
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        add(() -> {
            if (!failed(done)) {
                slowed(() -> {
                    zero(offsetBytes, lengthBytes, deallocate);
                    done.succeeded();
                });
            }
        });
    }

    private void slowed(Runnable request) {
        long ms = zeroMs;
        if (ms == 0) {
            request.run();
        } else {
            CompletableFuture.runAsync(
                    request, CompletableFuture.delayedExecutor(ms, TimeUnit.MILLISECONDS));
        }
    }

    private synchronized void zero(long offset, long length, boolean deallocate) {
        long at = offset;
        while (at < offset + length) {
            int within = (int) (at % PAGE_BYTES);
            int part = (int) Math.min(PAGE_BYTES - within, offset + length - at);
            int index = (int) (at / PAGE_BYTES);
            if (part == PAGE_BYTES && deallocate) {
                pages.remove(index);
            } else if (!deallocate || pages.containsKey(index)) {
                Arrays.fill(page(index), within, within + part, (byte) 0);
            }
            at += part;
        }
    }

    @Override
    public void flush(Completion done) {
        flushes.incrementAndGet();
        add(() -> {
            if (!failed(done)) {
                done.succeeded();
            }
        });
    }

    @Override
    public synchronized void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        RangeStatus.Builder answer = new RangeStatus.Builder(offsetBytes, maximumCount);
        long at = offsetBytes;
        boolean room = true;
        while (room && at < offsetBytes + lengthBytes) {
            long end = Math.min((at / PAGE_BYTES + 1) * PAGE_BYTES, offsetBytes + lengthBytes);
            boolean hole = !pages.containsKey((int) (at / PAGE_BYTES));
            room = answer.add(end - at, hole ? Allocation.HOLE | Allocation.ZERO : 0);
            at = end;
        }
        done.succeeded(answer.build());
    }

    @Override
    public @Nullable SharedSpace sharedSpace() {
        return space;
    }

    /** From now on the disk takes its space from storage that is so full. */
    TestDisk sharing(SharedSpace now) {
        space = now;
        return this;
    }

    @Override
    public void submit() {
        List<Runnable> ready;
        synchronized (this) {
            ready = List.copyOf(batch);
            batch.clear();
        }
        ready.forEach(Runnable::run);
    }

    @Override
    public void close() {}

    private synchronized void add(Runnable request) {
        (holding ? held : batch).add(request);
    }

    private boolean failed(Completion done) {
        BlockDeviceException why = failure();
        if (why != null) {
            done.failed(why);
        }
        return why != null;
    }

    private synchronized @Nullable BlockDeviceException failure() {
        ErrorCode code = failure;
        return code == null ? null : new BlockDeviceException(code, "told to fail with " + code);
    }

    private byte[] page(int index) {
        return pages.computeIfAbsent(index, missing -> new byte[PAGE_BYTES]);
    }

    /** From now on requests wait for {@link #release}. */
    synchronized void hold() {
        holding = true;
    }

    /** Runs everything held, on the caller's thread, and holds nothing more. */
    void release() {
        List<Runnable> waiting;
        synchronized (this) {
            holding = false;
            waiting = List.copyOf(held);
            held.clear();
        }
        waiting.forEach(Runnable::run);
    }

    synchronized int heldCount() {
        return held.size();
    }

    /** Every zero takes so long. */
    TestDisk zeroing(long ms) {
        zeroMs = ms;
        return this;
    }

    /** Every request from now on fails. */
    synchronized void failWith(@Nullable ErrorCode code) {
        failure = code;
    }

    synchronized void grow(long toBytes) {
        sizeBytes = toBytes;
    }

    synchronized byte[] content(long offset, int length) {
        byte[] content = new byte[length];
        int done = 0;
        while (done < length) {
            int within = (int) ((offset + done) % PAGE_BYTES);
            int part = Math.min(PAGE_BYTES - within, length - done);
            byte[] page = pages.get((int) ((offset + done) / PAGE_BYTES));
            if (page != null) {
                System.arraycopy(page, within, content, done, part);
            }
            done += part;
        }
        return content;
    }

    synchronized void fill(long offset, byte[] content) {
        int done = 0;
        while (done < content.length) {
            int within = (int) ((offset + done) % PAGE_BYTES);
            int part = Math.min(PAGE_BYTES - within, content.length - done);
            System.arraycopy(
                    content, done, page((int) ((offset + done) / PAGE_BYTES)), within, part);
            done += part;
        }
    }
}
