package dev.tidemark.storage;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A file through the C library's calls. Unlike a FileChannel it reports the exact errno, is not
 * closed by an interrupt, writes a gathered batch at a position in one call, and can ask for what
 * is cached only. Thread-safe; for platform threads, since its calls pin a virtual thread's
 * carrier.
 *
 * <p>Heap buffers are copied through {@link #BOUNCE_BYTES} of native memory per thread; direct
 * buffers are not copied.
 */
final class NativeFile implements StorageFile {
    static final int BOUNCE_BYTES = 256 << 10;

    /** MAX_RW_COUNT of Linux: most bytes one call transfers. */
    private static final long MAXIMUM_TRANSFER_BYTES = 0x7ffff000L;

    private static final int ZERO_BYTES = 64 << 10;
    private static final ThreadLocal<MemorySegment> BOUNCE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(BOUNCE_BYTES, Long.BYTES));

    private final LinuxCalls calls;
    private final int descriptor;
    private final String path;
    private final FileSystemSupport support;

    /** No call may start any more. */
    private static final int CLOSED = 1 << 30;

    /** The descriptor is closed, by whoever set this. */
    private static final int DESCRIPTOR_CLOSED = 1 << 29;

    /**
     * Calls in flight plus the flags: the last call in flight closes the descriptor, so it is never
     * reused under a call.
     */
    private final AtomicInteger users = new AtomicInteger();

    /** Small reads are expected and there is no mapping for them yet. */
    private volatile boolean mapsAtNextRead;

    private volatile @Nullable MappedReads mapped;

    NativeFile(LinuxCalls calls, int descriptor, String path, FileSystemSupport support) {
        this.calls = calls;
        this.descriptor = descriptor;
        this.path = path;
        this.support = support;
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public long sizeBytes() throws StorageException {
        acquire("size");
        try {
            return check(calls.sizeBytes(descriptor), "size");
        } finally {
            release();
        }
    }

    @Override
    public long allocatedBytes() throws StorageException {
        acquire("allocated size");
        try {
            return check(calls.allocatedBytes(descriptor), "allocated size");
        } finally {
            release();
        }
    }

    @Override
    public int read(long position, ByteBuffer target) throws StorageException {
        acquire("read");
        try {
            int total = 0;
            while (target.hasRemaining()) {
                long count = readOnce(position + total, target, false);
                if (count < 0) {
                    throw failed(
                            "read of " + target.remaining() + " bytes at " + (position + total),
                            (int) -count);
                }
                if (count == 0) {
                    break;
                }
                total += (int) count;
            }
            return total;
        } finally {
            release();
        }
    }

    @Override
    public int readIfCached(long position, ByteBuffer target) throws StorageException {
        acquire("read");
        try {
            int length = target.remaining();
            MappedReads memory = mapsAtNextRead ? map() : mapped;
            if (memory != null && memory.read(position, target)) {
                return length;
            }
            return support.readsCached() ? readNoWait(position, target) : WOULD_BLOCK;
        } finally {
            release();
        }
    }

    private int readNoWait(long position, ByteBuffer target) throws StorageException {
        int start = target.position();
        while (target.hasRemaining()) {
            long count = readOnce(position + target.position() - start, target, true);
            if (count < 0) {
                target.position(start);
                return wouldBlock(position, (int) -count);
            }
            if (count == 0) {
                break;
            }
        }
        return target.position() - start;
    }

    @Override
    public void expectSmallReads() {
        mapsAtNextRead = mapped == null;
    }

    private synchronized @Nullable MappedReads map() {
        if (mapsAtNextRead) {
            mapped = MappedReads.of(descriptor, calls.sizeBytes(descriptor));
            mapsAtNextRead = false;
        }
        return mapped;
    }

    private int wouldBlock(long position, int errno) throws StorageException {
        if (errno == LinuxCalls.EAGAIN) {
            return WOULD_BLOCK;
        }
        if (isUnsupported(errno) || errno == LinuxCalls.EINVAL) {
            support.noCachedReads();
            return WOULD_BLOCK;
        }
        throw failed("cached read at " + position, errno);
    }

    /** One call; moves the target's position by what was read. */
    private long readOnce(long position, ByteBuffer target, boolean cachedOnly) {
        int start = target.position();
        MemorySegment memory =
                target.isDirect() ? MemorySegment.ofBuffer(target) : bounce(target.remaining());
        long count =
                cachedOnly
                        ? calls.preadNoWait(descriptor, memory, position)
                        : calls.pread(descriptor, memory, position);
        if (count > 0) {
            if (!target.isDirect()) {
                target.put(start, memory.asByteBuffer(), 0, (int) count);
            }
            target.position(start + (int) count);
        }
        return count;
    }

    private static MemorySegment bounce(int bytes) {
        return BOUNCE.get().asSlice(0, Math.min(bytes, BOUNCE_BYTES));
    }

    @Override
    public void write(long position, ByteBuffer source) throws StorageException {
        acquire("write");
        try {
            long at = position;
            while (source.hasRemaining()) {
                at += writeOnce(at, source);
            }
        } finally {
            release();
        }
    }

    private int writeOnce(long position, ByteBuffer source) throws StorageException {
        int start = source.position();
        MemorySegment memory;
        if (source.isDirect()) {
            memory = MemorySegment.ofBuffer(source);
        } else {
            memory = bounce(source.remaining());
            memory.asByteBuffer().put(0, source, start, (int) memory.byteSize());
        }
        int count =
                transferred(
                        calls.pwrite(descriptor, memory, position), position, source.remaining());
        source.position(start + count);
        return count;
    }

    @Override
    public void write(long position, ByteBuffer[] sources, int from, int to)
            throws StorageException {
        acquire("write");
        try {
            long at = position;
            int next = from;
            while (next < to) {
                if (!sources[next].hasRemaining()) {
                    next++;
                    continue;
                }
                at += gatherOnce(at, sources, next, to);
            }
        } finally {
            release();
        }
    }

    /**
     * One gathered call over as many buffers as fit into it; moves their positions by what was
     * written.
     */
    private int gatherOnce(long position, ByteBuffer[] sources, int from, int to)
            throws StorageException {
        MemorySegment bounce = BOUNCE.get();
        ByteBuffer bounced = bounce.asByteBuffer();
        long total = 0;
        int vectors = 0;
        for (int i = from; i < to && vectors < LinuxCalls.MAXIMUM_VECTORS; i++) {
            ByteBuffer source = sources[i];
            int length = source.remaining();
            if (length == 0) {
                continue;
            }
            if (total + length > MAXIMUM_TRANSFER_BYTES
                    || (!source.isDirect() && !bounced.hasRemaining())) {
                break;
            }
            long address;
            if (source.isDirect()) {
                address = MemorySegment.ofBuffer(source).address();
            } else {
                length = Math.min(length, bounced.remaining());
                address = bounce.address() + bounced.position();
                bounced.put(bounced.position(), source, source.position(), length);
                bounced.position(bounced.position() + length);
            }
            LinuxCalls.setVector(vectors++, address, length);
            total += length;
            if (length < source.remaining()) {
                break;
            }
        }
        try {
            int count = transferred(calls.pwritev(descriptor, vectors, position), position, total);
            advance(sources, from, count);
            return count;
        } finally {
            // The vectors hold bare addresses: the buffers must live until the call has returned.
            Reference.reachabilityFence(sources);
        }
    }

    private static void advance(ByteBuffer[] sources, int from, int count) {
        int left = count;
        for (int i = from; left > 0; i++) {
            int taken = Math.min(left, sources[i].remaining());
            sources[i].position(sources[i].position() + taken);
            left -= taken;
        }
    }

    private int transferred(long result, long position, long askedBytes) throws StorageException {
        if (result < 0) {
            throw failed("write of " + askedBytes + " bytes at " + position, (int) -result);
        }
        if (result == 0) {
            throw failed(
                    "write of " + askedBytes + " bytes at " + position + " moved nothing",
                    LinuxCalls.EIO);
        }
        return (int) result;
    }

    @Override
    public void force() throws StorageException {
        acquire("force");
        try {
            check(calls.fdatasync(descriptor), "force");
        } finally {
            release();
        }
    }

    @Override
    public void writeSoon(long position, long lengthBytes) {
        hint(() -> calls.startWriteback(descriptor, position, lengthBytes));
    }

    @Override
    public void uncache(long position, long lengthBytes) {
        hint(() -> {
            calls.dropCached(descriptor, position, lengthBytes);
            MappedReads memory = mapped;
            if (memory != null) {
                memory.forgetResidency();
            }
        });
    }

    /**
     * Makes a call whose failure means nothing: what it was to bring to the disk is still to be
     * forced, and that reports errors.
     */
    private void hint(Runnable call) {
        try {
            acquire("hint");
            try {
                call.run();
            } finally {
                release();
            }
        } catch (StorageException closed) {
            // The file was closed meanwhile: there is nothing to hint at any more.
        }
    }

    @Override
    public void preallocate(long sizeBytes) throws StorageException {
        acquire("preallocation");
        try {
            long before = check(calls.sizeBytes(descriptor), "size");
            if (sizeBytes > 0 && support.allocates()) {
                int result = calls.fallocate(descriptor, 0, 0, sizeBytes);
                if (result == 0) {
                    return;
                }
                if (!isUnsupported(-result)) {
                    undoAllocation(before, sizeBytes);
                    throw failed("preallocation of " + sizeBytes + " bytes", -result);
                }
                support.noAllocation();
            }
            if (sizeBytes > before) {
                check(calls.ftruncate(descriptor, sizeBytes), "growth to " + sizeBytes + " bytes");
            }
        } finally {
            release();
        }
    }

    /**
     * Gives back what a preallocation took before it failed: a file system may keep the part it
     * found room for.
     */
    private void undoAllocation(long sizeBefore, long askedBytes) throws StorageException {
        if (sizeBefore < askedBytes) {
            check(
                    calls.ftruncate(descriptor, sizeBefore),
                    "truncation to " + sizeBefore + " bytes");
        }
    }

    @Override
    public void truncate(long sizeBytes) throws StorageException {
        acquire("truncation");
        try {
            check(calls.ftruncate(descriptor, sizeBytes), "truncation to " + sizeBytes + " bytes");
        } finally {
            release();
        }
    }

    @Override
    public void punchHole(long position, long lengthBytes) throws StorageException {
        acquire("punching a hole");
        try {
            Ranges.checkInside(
                    path, position, lengthBytes, check(calls.sizeBytes(descriptor), "size"));
            if (lengthBytes == 0) {
                return;
            }
            if (support.punches()) {
                int mode = LinuxCalls.FALLOC_FL_PUNCH_HOLE | LinuxCalls.FALLOC_FL_KEEP_SIZE;
                int result = calls.fallocate(descriptor, mode, position, lengthBytes);
                if (result == 0) {
                    return;
                }
                if (!isUnsupported(-result)) {
                    throw failed(
                            "punching a hole of " + lengthBytes + " bytes at " + position, -result);
                }
                support.noHoles();
            }
            Ranges.writeZeros(this, position, lengthBytes, ByteBuffer.allocateDirect(ZERO_BYTES));
        } finally {
            release();
        }
    }

    @Override
    public long dataFrom(long position) throws StorageException {
        return seek(position, LinuxCalls.SEEK_DATA, position);
    }

    @Override
    public long holeFrom(long position) throws StorageException {
        return seek(position, LinuxCalls.SEEK_HOLE, NONE);
    }

    /**
     * Moves the descriptor's own position, which nothing here uses. File systems without holes
     * answer as if everything were data (lseek(2)); {@code otherwise} is for those that refuse.
     */
    private long seek(long position, int whence, long otherwise) throws StorageException {
        acquire("looking for holes");
        try {
            long size = check(calls.sizeBytes(descriptor), "size");
            if (position >= size) {
                return NONE;
            }
            long found = calls.lseek(descriptor, position, whence);
            if (found == -LinuxCalls.ENXIO) {
                return NONE;
            }
            if (found < 0 && (found == -LinuxCalls.EINVAL || isUnsupported((int) -found))) {
                return otherwise == NONE ? size : otherwise;
            }
            return check(found, "looking for holes from " + position);
        } finally {
            release();
        }
    }

    private static boolean isUnsupported(int errno) {
        return errno == LinuxCalls.EOPNOTSUPP || errno == LinuxCalls.ENOSYS;
    }

    @Override
    public void close() throws StorageException {
        int before =
                users.getAndUpdate(
                        state -> state == 0 ? CLOSED | DESCRIPTOR_CLOSED : state | CLOSED);
        if (before == 0) {
            closeDescriptor();
        }
    }

    private void acquire(String operation) throws StorageException {
        if ((users.incrementAndGet() & CLOSED) != 0) {
            release();
            throw Failures.closed(path, operation);
        }
    }

    private void release() throws StorageException {
        if (users.decrementAndGet() == CLOSED
                && users.compareAndSet(CLOSED, CLOSED | DESCRIPTOR_CLOSED)) {
            closeDescriptor();
        }
    }

    /** Nobody uses the file any more. */
    private void closeDescriptor() throws StorageException {
        MappedReads memory = mapped;
        if (memory != null) {
            memory.close();
        }
        check(calls.close(descriptor), "close");
    }

    private long check(long result, String operation) throws StorageException {
        if (result < 0) {
            throw failed(operation, (int) -result);
        }
        return result;
    }

    private StorageException failed(String operation, int errno) {
        return Failures.ofErrno(path, operation, errno);
    }
}
