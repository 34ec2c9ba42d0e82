package dev.tidemark.blockdevice.model;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.Completion;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.Features;
import dev.tidemark.blockdevice.Geometry;
import dev.tidemark.blockdevice.RangeStatus;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.blockdevice.StatusCompletion;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A strict device in memory, sparse by 4 KiB. Like a journal it holds writes, zeroes and flushes
 * back until {@link #submit} of the thread that handed them over, so that a caller who forgets it
 * waits for ever; reads complete at once. It keeps apart what was forced, for tests of flush and
 * FUA: {@link #losePower} goes back to that. Out-of-range requests are bugs of the caller and
 * throw. Thread-safe.
 */
public final class MemoryBlockDevice implements BlockDevice {
    private static final int PAGE_BYTES = 4096;

    private final Features features;
    private final ByteBufAllocator allocator;
    private final Map<Long, byte[]> pages = new HashMap<>(); // guarded by this, like all below
    private final Map<Long, byte[]> forcedPages = new HashMap<>();
    private final Map<Thread, List<Runnable>> batches = new HashMap<>();
    private Geometry geometry;
    private boolean closed;
    private long flushCount;
    private long forcedWriteCount;
    private long submitCount;

    public MemoryBlockDevice(long sizeBytes) {
        this(Geometry.ofSize(sizeBytes), Features.LIVE, ByteBufAllocator.DEFAULT);
    }

    public MemoryBlockDevice(Geometry geometry, Features features, ByteBufAllocator allocator) {
        this.geometry = geometry;
        this.features = features;
        this.allocator = allocator;
    }

    @Override
    public synchronized Geometry geometry() {
        return geometry;
    }

    @Override
    public Features features() {
        return features;
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        ByteBuf target = null;
        synchronized (this) {
            if (!closed) {
                checkRange(offsetBytes, lengthBytes);
                target = allocator.buffer(lengthBytes, Math.max(1, lengthBytes));
                readPages(offsetBytes, target, lengthBytes);
            }
        }
        if (target == null) {
            done.failed(shutdown());
        } else {
            done.succeeded(target);
        }
    }

    private void readPages(long offset, ByteBuf target, int length) {
        long at = offset;
        while (at < offset + length) {
            int within = (int) (at % PAGE_BYTES);
            int part = (int) Math.min(PAGE_BYTES - within, offset + length - at);
            byte[] page = pages.get(at / PAGE_BYTES);
            if (page == null) {
                target.writeZero(part);
            } else {
                target.writeBytes(page, within, part);
            }
            at += part;
        }
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        hold(
                offsetBytes,
                data.readableBytes(),
                done,
                () -> {
                    ByteBuffer source = data.nioBuffer();
                    int length = source.remaining();
                    change(
                            offsetBytes,
                            length,
                            (page, from, to) -> source.get(page, from, to - from));
                    if (fua) {
                        forceRange(offsetBytes, length);
                    }
                });
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        hold(
                offsetBytes,
                lengthBytes,
                done,
                () -> {
                    long end = offsetBytes + lengthBytes;
                    for (long number : pagesIn(offsetBytes, end)) {
                        long start = number * PAGE_BYTES;
                        int from = (int) Math.max(0, offsetBytes - start);
                        int to = (int) Math.min(PAGE_BYTES, end - start);
                        if (deallocate && to - from == PAGE_BYTES) {
                            pages.remove(number);
                        } else {
                            Arrays.fill(page(number), from, to, (byte) 0);
                        }
                    }
                    if (fua) {
                        forceRange(offsetBytes, lengthBytes);
                    }
                });
    }

    private List<Long> pagesIn(long offset, long end) {
        return pages.keySet().stream()
                .filter(number -> number * PAGE_BYTES < end && (number + 1) * PAGE_BYTES > offset)
                .sorted()
                .toList();
    }

    @Override
    public void flush(Completion done) {
        hold(
                0,
                0,
                done,
                () -> {
                    flushCount++;
                    forcedPages.clear();
                    pages.forEach((number, page) -> forcedPages.put(number, page.clone()));
                });
    }

    /** A page is data once something was written to it, and a hole again once it was trimmed. */
    @Override
    public void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        RangeStatus.Builder answer = new RangeStatus.Builder(offsetBytes, maximumCount);
        boolean open;
        synchronized (this) {
            open = !closed;
            checkRange(offsetBytes, lengthBytes);
            long end = offsetBytes + lengthBytes;
            boolean room = true;
            for (long at = offsetBytes; open && room && at < end; at = answer.endBytes()) {
                long pageEnd = Math.min(end, (at / PAGE_BYTES + 1) * PAGE_BYTES);
                long bits =
                        pages.containsKey(at / PAGE_BYTES) ? 0 : Allocation.HOLE | Allocation.ZERO;
                room = answer.add(pageEnd - at, bits);
            }
        }
        if (open) {
            done.succeeded(answer.build());
        } else {
            done.failed(shutdown());
        }
    }

    /** A change of part of a page. */
    private interface PageChange {
        void apply(byte[] page, int from, int to);
    }

    private void change(long offset, long length, PageChange change) {
        long at = offset;
        while (at < offset + length) {
            int within = (int) (at % PAGE_BYTES);
            int part = (int) Math.min(PAGE_BYTES - within, offset + length - at);
            change.apply(page(at / PAGE_BYTES), within, within + part);
            at += part;
        }
    }

    private byte[] page(long number) {
        return pages.computeIfAbsent(number, missing -> new byte[PAGE_BYTES]);
    }

    private void forceRange(long offset, long length) {
        forcedWriteCount++;
        for (long number : pagesIn(offset, offset + length)) {
            long start = number * PAGE_BYTES;
            int from = (int) Math.max(0, offset - start);
            int to = (int) Math.min(PAGE_BYTES, offset + length - start);
            byte[] forced = forcedPages.computeIfAbsent(number, missing -> new byte[PAGE_BYTES]);
            System.arraycopy(page(number), from, forced, from, to - from);
        }
        for (long number : List.copyOf(forcedPages.keySet())) {
            boolean whole =
                    number * PAGE_BYTES >= offset && (number + 1) * PAGE_BYTES <= offset + length;
            if (whole && !pages.containsKey(number)) {
                forcedPages.remove(number);
            }
        }
    }

    private void hold(long offset, long length, Completion done, Runnable action) {
        synchronized (this) {
            if (!closed) {
                checkRange(offset, length);
                batches.computeIfAbsent(Thread.currentThread(), first -> new ArrayList<>())
                        .add(() -> {
                            synchronized (this) {
                                action.run();
                            }
                            done.succeeded();
                        });
                return;
            }
        }
        done.failed(shutdown());
    }

    private void checkRange(long offset, long length) {
        if (offset < 0 || length < 0 || length > geometry.sizeBytes() - offset) {
            throw new IllegalArgumentException(
                    "range "
                            + offset
                            + " + "
                            + length
                            + " is not inside "
                            + geometry.sizeBytes()
                            + " bytes");
        }
    }

    @Override
    public void submit() {
        List<Runnable> batch;
        synchronized (this) {
            submitCount++;
            batch = batches.remove(Thread.currentThread());
        }
        run(batch == null ? List.of() : batch);
    }

    private static void run(List<Runnable> batch) {
        batch.forEach(Runnable::run);
    }

    /** Finishes what was handed over by every thread. */
    @Override
    public void close() {
        List<Runnable> left = new ArrayList<>();
        synchronized (this) {
            closed = true;
            batches.values().forEach(left::addAll);
            batches.clear();
        }
        run(left);
    }

    private static BlockDeviceException shutdown() {
        return new BlockDeviceException(
                ErrorCode.SHUTDOWN, "request refused: the device is closed");
    }

    /** Grows the device. */
    public synchronized void resize(long sizeBytes) {
        if (sizeBytes < geometry.sizeBytes()) {
            throw new IllegalArgumentException("a device does not shrink to " + sizeBytes);
        }
        geometry =
                new Geometry(
                        sizeBytes,
                        geometry.minimumBytes(),
                        geometry.preferredBytes(),
                        geometry.maximumBytes());
    }

    /** Goes back to what was forced by a flush or FUA, and opens the device again. */
    public synchronized void losePower() {
        batches.clear();
        pages.clear();
        forcedPages.forEach((number, page) -> pages.put(number, page.clone()));
        closed = false;
    }

    public synchronized boolean isClosed() {
        return closed;
    }

    /** The whole content; for devices up to 2 GiB. */
    public synchronized byte[] image() {
        byte[] image = new byte[Math.toIntExact(geometry.sizeBytes())];
        pages.forEach((number, page) -> {
            int start = (int) (number * PAGE_BYTES);
            if (start < image.length) {
                System.arraycopy(page, 0, image, start, Math.min(PAGE_BYTES, image.length - start));
            }
        });
        return image;
    }

    /** Flushes carried out. */
    public synchronized long flushCount() {
        return flushCount;
    }

    /** Writes and zeroes with FUA carried out. */
    public synchronized long forcedWriteCount() {
        return forcedWriteCount;
    }

    public synchronized long submitCount() {
        return submitCount;
    }
}
