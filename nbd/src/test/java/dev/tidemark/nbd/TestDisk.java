package dev.tidemark.nbd;

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
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory that a test can hold back, fail, and count. Requests complete on the caller's
 * thread unless held. Thread-safe but for overlapping writes.
 */
final class TestDisk implements BlockDevice {
    private final ByteBuffer bytes;
    private final Geometry geometry;
    private final Features features;
    private final List<Runnable> held = new ArrayList<>();
    private boolean holding;
    private @Nullable ErrorCode failure;
    private volatile String lastZero = "";
    private volatile boolean lastFua;
    private volatile String lastPrefetch = "";

    /** What each block is, in the bits of {@link Allocation}. */
    private final byte[] allocation;

    /** Reads that touch this range fail. */
    private volatile long failingStart = -1;

    private volatile long failingEnd = -1;

    static final int BLOCK_BYTES = 4096;

    final AtomicInteger requests = new AtomicInteger();
    final AtomicInteger writes = new AtomicInteger();
    final AtomicInteger flushes = new AtomicInteger();
    final AtomicInteger submits = new AtomicInteger();

    TestDisk(int sizeBytes) {
        this(Geometry.ofSize(sizeBytes), Features.LIVE);
    }

    TestDisk(Geometry geometry, Features features) {
        this.geometry = geometry;
        this.features = features;
        int sizeBytes = (int) geometry.sizeBytes();
        bytes = ByteBuffer.allocateDirect(sizeBytes);
        allocation = new byte[sizeBytes / BLOCK_BYTES + 1];
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public Features features() {
        return features;
    }

    @Override
    public void read(long offsetBytes, int lengthBytes, ReadCompletion done) {
        run(() -> {
            BlockDeviceException why = failure();
            if (why == null
                    && offsetBytes < failingEnd
                    && offsetBytes + lengthBytes > failingStart) {
                why = new BlockDeviceException(ErrorCode.IO, "a bad sector");
            }
            if (why != null) {
                done.failed(why);
                return;
            }
            ByteBuf data = ByteBufAllocator.DEFAULT.directBuffer(lengthBytes);
            data.writeBytes(bytes.slice((int) offsetBytes, lengthBytes));
            done.succeeded(data);
        });
    }

    @Override
    public void write(long offsetBytes, ByteBuf data, boolean fua, Completion done) {
        writes.incrementAndGet();
        lastFua = fua;
        run(() -> {
            if (!failed(done)) {
                data.getBytes(
                        data.readerIndex(), bytes.slice((int) offsetBytes, data.readableBytes()));
                done.succeeded();
            }
        });
    }

    @Override
    public void zero(
            long offsetBytes, long lengthBytes, boolean deallocate, boolean fua, Completion done) {
        lastZero = deallocate ? "deallocate" : "keep";
        lastFua = fua;
        run(() -> {
            if (!failed(done)) {
                bytes.put((int) offsetBytes, new byte[(int) lengthBytes]);
                done.succeeded();
            }
        });
    }

    @Override
    public void flush(Completion done) {
        flushes.incrementAndGet();
        run(() -> {
            if (!failed(done)) {
                done.succeeded();
            }
        });
    }

    @Override
    public void allocation(
            long offsetBytes, long lengthBytes, int maximumCount, StatusCompletion done) {
        run(() -> {
            BlockDeviceException why = failure();
            if (why != null) {
                done.failed(why);
                return;
            }
            RangeStatus.Builder status = new RangeStatus.Builder(offsetBytes, maximumCount);
            long at = offsetBytes;
            long end = offsetBytes + lengthBytes;
            boolean room = true;
            while (at < end && room) {
                long next = Math.min(end, (at / BLOCK_BYTES + 1) * BLOCK_BYTES);
                room = status.add(next - at, allocation[(int) (at / BLOCK_BYTES)]);
                at = next;
            }
            done.succeeded(status.build());
        });
    }

    @Override
    public void prefetch(long offsetBytes, long lengthBytes, Completion done) {
        lastPrefetch = offsetBytes + "+" + lengthBytes;
        run(() -> {
            if (!failed(done)) {
                done.succeeded();
            }
        });
    }

    @Override
    public void submit() {
        submits.incrementAndGet();
    }

    @Override
    public void close() {}

    private void run(Runnable request) {
        requests.incrementAndGet();
        synchronized (held) {
            if (holding) {
                held.add(request);
                return;
            }
        }
        request.run();
    }

    private boolean failed(Completion done) {
        BlockDeviceException why = failure();
        if (why != null) {
            done.failed(why);
        }
        return why != null;
    }

    private @Nullable BlockDeviceException failure() {
        ErrorCode code = failure;
        return code == null ? null : new BlockDeviceException(code, "told to fail with " + code);
    }

    /** From now on requests wait for {@link #release}. */
    void hold() {
        synchronized (held) {
            holding = true;
        }
    }

    /** Runs everything held, newest first, on the caller's thread, and holds nothing more. */
    void release() {
        List<Runnable> waiting;
        synchronized (held) {
            holding = false;
            waiting = List.copyOf(held.reversed());
            held.clear();
        }
        waiting.forEach(Runnable::run);
    }

    /** Runs what has been held longest, on the caller's thread; everything else stays held. */
    void releaseOne() {
        Runnable request;
        synchronized (held) {
            request = held.removeFirst();
        }
        request.run();
    }

    int heldCount() {
        synchronized (held) {
            return held.size();
        }
    }

    /** Says of whole blocks what they are; their bytes are left alone. */
    void allocate(int offsetBytes, int lengthBytes, long state) {
        Arrays.fill(
                allocation,
                offsetBytes / BLOCK_BYTES,
                (offsetBytes + lengthBytes) / BLOCK_BYTES,
                (byte) state);
    }

    /** Reads that touch a range fail from now on. */
    void failReads(long startBytes, long endBytes) {
        failingStart = startBytes;
        failingEnd = endBytes;
    }

    /** The range that was last warmed, as offset+length. */
    String lastPrefetch() {
        return lastPrefetch;
    }

    /** Every request from now on fails. */
    void failWith(@Nullable ErrorCode code) {
        failure = code;
    }

    byte[] content(int offsetBytes, int lengthBytes) {
        byte[] content = new byte[lengthBytes];
        bytes.get(offsetBytes, content);
        return content;
    }

    void fill(int offsetBytes, byte[] content) {
        bytes.put(offsetBytes, content);
    }

    /** How the last zero was asked for: "deallocate" or "keep". */
    String lastZero() {
        return lastZero;
    }

    boolean lastFua() {
        return lastFua;
    }
}
