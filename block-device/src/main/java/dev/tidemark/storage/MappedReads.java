package dev.tidemark.storage;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A read-only mapping of a file, for reads of what is in the page cache: such a read is a copy
 * without a system call. Linux only; thread-safe.
 *
 * <p>Touching a page that is not in memory would wait for the disk, so {@code mincore} is asked
 * first, for {@link #GRANULE_BYTES} around. Its yes is trusted for about a second: a page that was
 * used through a mapping a moment ago is the last that the kernel gives up, and if it does, one
 * read waits for one disk access. A page whose disk fails in just that second raises an
 * InternalError here or at the thread's next safepoint; whoever has a checksum notices before that.
 *
 * <p>The caller sees to it that nobody reads once {@link #close()} was called.
 */
@SuppressWarnings("restricted") // with LinuxCalls, the place with native access
final class MappedReads {
    /** What the kernel is asked about at once. */
    static final int GRANULE_BYTES = 64 << 10;

    /** Longer reads gain nothing from a mapping. */
    static final int MAXIMUM_READ_BYTES = 256 << 10;

    /**
     * A quarter of what Linux allows a process by default (vm.max_map_count); further files are
     * read with calls.
     */
    static final int MAXIMUM_MAPPINGS = 16_384;

    private static final int PAGE_BYTES = 4096;
    private static final int PAGES = GRANULE_BYTES / PAGE_BYTES;
    private static final int GRANULE_SHIFT = Integer.numberOfTrailingZeros(GRANULE_BYTES);

    // include/uapi/asm-generic/mman-common.h
    private static final int PROT_READ = 1;
    private static final int MAP_SHARED = 1;
    private static final long MAP_FAILED = -1;

    /** 2^30 ns: how long an answer about residency is trusted, at most. */
    private static final int TICK_SHIFT = 30;

    private static final AtomicInteger MAPPINGS = new AtomicInteger();
    private static final ThreadLocal<MemorySegment> RESIDENCY =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(PAGES));

    /** The three calls; their errno does not matter, since a read with calls can always be had. */
    private static final class Calls {
        static final MethodHandle MMAP =
                bind(
                        "mmap",
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
                                JAVA_LONG));
        static final MethodHandle MUNMAP =
                bind("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
        static final MethodHandle MINCORE =
                bind("mincore", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS));

        private static MethodHandle bind(String name, FunctionDescriptor function) {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), function);
        }
    }

    private final long address;
    private final int sizeBytes;
    private final ByteBuffer bytes;

    /** By granule, when it was last known to be in memory as a whole; racing writes do no harm. */
    private final int[] residentAt;

    private MappedReads(long address, int sizeBytes) {
        this.address = address;
        this.sizeBytes = sizeBytes;
        this.bytes = MemorySegment.ofAddress(address).reinterpret(sizeBytes).asByteBuffer();
        this.residentAt = new int[Math.ceilDiv(sizeBytes, GRANULE_BYTES)];
        Arrays.fill(residentAt, tick() - 1);
    }

    /**
     * Maps a file from its beginning; null when it is empty or too long, when there are mappings
     * enough, or when the system refuses.
     */
    static @Nullable MappedReads of(int descriptor, long fileBytes) {
        if (fileBytes <= 0 || fileBytes > Integer.MAX_VALUE) {
            return null;
        }
        if (MAPPINGS.incrementAndGet() <= MAXIMUM_MAPPINGS) {
            long address = map(descriptor, fileBytes);
            if (address != MAP_FAILED) {
                return new MappedReads(address, (int) fileBytes);
            }
        }
        MAPPINGS.decrementAndGet();
        return null;
    }

    private static long map(int descriptor, long fileBytes) {
        try {
            return (long)
                    Calls.MMAP.invokeExact(0L, fileBytes, PROT_READ, MAP_SHARED, descriptor, 0L);
        } catch (Throwable thrown) {
            throw LinuxCalls.unexpected(thrown);
        }
    }

    /**
     * Fills the target, whose position moves, when that needs no disk.
     *
     * @return false when it might, or when the range is none for a mapping; nothing has happened
     */
    boolean read(long position, ByteBuffer target) {
        int length = target.remaining();
        if (length > MAXIMUM_READ_BYTES
                || position > sizeBytes - length
                || !isResident((int) position, length)) {
            return false;
        }
        int start = target.position();
        try {
            target.put(start, bytes, (int) position, length);
        } catch (InternalError lost) {
            // The page went, and the disk did not give it back: a read with calls says why.
            return false;
        }
        target.position(start + length);
        return true;
    }

    private boolean isResident(int position, int length) {
        int now = tick();
        int end = position + length;
        for (int granule = position >>> GRANULE_SHIFT; granule << GRANULE_SHIFT < end; granule++) {
            if (residentAt[granule] != now && !ask(granule, position, end, now)) {
                return false;
            }
        }
        return true;
    }

    /** Whether the part of the range that lies in a granule is in memory. */
    private boolean ask(int granule, int position, int end, int now) {
        int start = granule << GRANULE_SHIFT;
        int length = Math.min(GRANULE_BYTES, sizeBytes - start);
        MemorySegment pages = RESIDENCY.get();
        try {
            if ((int) Calls.MINCORE.invokeExact(address + start, (long) length, pages) != 0) {
                return false;
            }
        } catch (Throwable thrown) {
            throw LinuxCalls.unexpected(thrown);
        }
        boolean whole = true;
        for (int page = 0; page * PAGE_BYTES < length; page++) {
            if ((pages.get(JAVA_BYTE, page) & 1) == 0) {
                int at = start + page * PAGE_BYTES;
                if (at < end && at + PAGE_BYTES > position) {
                    return false;
                }
                whole = false;
            }
        }
        if (whole) {
            residentAt[granule] = now;
        }
        return true;
    }

    /** What was known to be in memory no longer is. */
    void forgetResidency() {
        Arrays.fill(residentAt, tick() - 1);
    }

    private static int tick() {
        return (int) (System.nanoTime() >>> TICK_SHIFT);
    }

    void close() {
        MAPPINGS.decrementAndGet();
        try {
            int result = (int) Calls.MUNMAP.invokeExact(address, (long) sizeBytes);
            assert result == 0 : "munmap";
        } catch (Throwable thrown) {
            throw LinuxCalls.unexpected(thrown);
        }
    }
}
