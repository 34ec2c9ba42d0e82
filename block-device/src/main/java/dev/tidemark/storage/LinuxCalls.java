package dev.tidemark.storage;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The C library's file calls, on 64-bit Linux. Each returns what the call returned or, when it
 * failed, the negative errno; a call interrupted by a signal is made again. They block the carrier
 * thread: for platform threads only. Thread-safe.
 *
 * <p>Constants are the generic Linux ABI's, the same on the architectures listed here ({@code
 * include/uapi/asm-generic/fcntl.h}, {@code include/uapi/linux/{fs,falloc,stat}.h}).
 */
@SuppressWarnings("restricted") // this class is the one place with native access
final class LinuxCalls {
    static final int EINTR = 4;
    static final int ENOENT = 2;
    static final int EIO = 5;
    static final int ENXIO = 6;
    static final int EAGAIN = 11;
    static final int EEXIST = 17;
    static final int EINVAL = 22;
    static final int ENOSPC = 28;
    static final int ENOSYS = 38;
    static final int EOPNOTSUPP = 95;
    static final int EDQUOT = 122;

    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_CREAT = 0x40;
    static final int O_EXCL = 0x80;
    static final int O_CLOEXEC = 0x80000;
    static final int RWF_NOWAIT = 0x8;
    static final int FALLOC_FL_KEEP_SIZE = 0x1;
    static final int FALLOC_FL_PUNCH_HOLE = 0x2;
    static final int SEEK_DATA = 3;
    static final int SEEK_HOLE = 4;

    /** UIO_MAXIOV: most buffers of one vectored call. */
    static final int MAXIMUM_VECTORS = 1024;

    /** Size of {@code struct iovec}: address, length. */
    static final long VECTOR_BYTES = 16;

    private static final int SYNC_FILE_RANGE_WRITE = 2;
    private static final int POSIX_FADV_DONTNEED = 4;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_SIZE_AND_BLOCKS = 0x200 | 0x400;
    private static final long STATX_BYTES = 256;
    private static final long STATX_SIZE = 40;
    private static final long STATX_BLOCKS = 48;
    private static final int STAT_BLOCK_BYTES = 512;

    private static final Set<String> ARCHITECTURES =
            Set.of("amd64", "x86_64", "aarch64", "riscv64");
    private static final MemoryLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
            CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final @Nullable LinuxCalls AVAILABLE = load();

    /**
     * What one thread needs to make calls: errno, vectors, a stat buffer. Freed with the thread.
     */
    private static final ThreadLocal<Frame> FRAME = ThreadLocal.withInitial(Frame::new);

    private final MethodHandle open;
    private final MethodHandle close;
    private final MethodHandle pread;
    private final MethodHandle preadv2;
    private final MethodHandle pwrite;
    private final MethodHandle pwritev;
    private final MethodHandle fdatasync;
    private final MethodHandle fsync;
    private final MethodHandle ftruncate;
    private final MethodHandle fallocate;
    private final MethodHandle statx;
    private final MethodHandle lseek;
    private final MethodHandle syncFileRange;
    private final MethodHandle fadvise;

    private LinuxCalls(Linker linker) {
        open =
                bind(
                        linker,
                        "open",
                        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT),
                        Linker.Option.firstVariadicArg(2));
        close = bind(linker, "close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
        FunctionDescriptor transfer =
                FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);
        pread = bind(linker, "pread", transfer);
        pwrite = bind(linker, "pwrite", transfer);
        preadv2 =
                bind(
                        linker,
                        "preadv2",
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_INT));
        pwritev =
                bind(
                        linker,
                        "pwritev",
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG));
        fdatasync = bind(linker, "fdatasync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
        fsync = bind(linker, "fsync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
        ftruncate = bind(linker, "ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
        fallocate =
                bind(
                        linker,
                        "fallocate",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
        lseek =
                bind(
                        linker,
                        "lseek",
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
        FunctionDescriptor advice =
                FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
        syncFileRange = bind(linker, "sync_file_range", advice);
        fadvise = bind(linker, "posix_fadvise", advice);
        statx =
                bind(
                        linker,
                        "statx",
                        FunctionDescriptor.of(
                                JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
    }

    /**
     * The calls, or null where this is not 64-bit Linux, a function is missing, or native access is
     * denied.
     */
    static @Nullable LinuxCalls available() {
        return AVAILABLE;
    }

    private static @Nullable LinuxCalls load() {
        String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        if (!system.equals("linux") || !ARCHITECTURES.contains(System.getProperty("os.arch", ""))) {
            return null;
        }
        try {
            return new LinuxCalls(Linker.nativeLinker());
        } catch (NoSuchElementException
                | IllegalCallerException
                | UnsupportedOperationException unavailable) {
            return null;
        }
    }

    private static MethodHandle bind(
            Linker linker, String name, FunctionDescriptor function, Linker.Option... options) {
        SymbolLookup library = linker.defaultLookup();
        Linker.Option[] all = new Linker.Option[options.length + 1];
        System.arraycopy(options, 0, all, 0, options.length);
        all[options.length] = Linker.Option.captureCallState("errno");
        return linker.downcallHandle(library.findOrThrow(name), function, all);
    }

    int open(String path, int flags, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(path, StandardCharsets.UTF_8);
            Frame frame = FRAME.get();
            int result;
            do {
                result =
                        frame.resultOf(
                                (int) open.invokeExact(frame.state, name, flags | O_CLOEXEC, mode));
            } while (result == -EINTR);
            return result;
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    /**
     * Closes the descriptor; never repeated, since Linux frees it even when the call is
     * interrupted.
     */
    int close(int descriptor) {
        try {
            Frame frame = FRAME.get();
            return frame.resultOf((int) close.invokeExact(frame.state, descriptor));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    long pread(int descriptor, MemorySegment target, long position) {
        try {
            Frame frame = FRAME.get();
            long result;
            do {
                result =
                        frame.resultOf(
                                (long)
                                        pread.invokeExact(
                                                frame.state,
                                                descriptor,
                                                target,
                                                target.byteSize(),
                                                position));
            } while (result == -EINTR);
            return result;
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    /**
     * Reads only what is in the page cache; -EAGAIN when nothing is, -EOPNOTSUPP or -ENOSYS where
     * that cannot be asked.
     */
    long preadNoWait(int descriptor, MemorySegment target, long position) {
        try {
            Frame frame = FRAME.get();
            frame.setVector(0, target.address(), target.byteSize());
            long result;
            do {
                result =
                        frame.resultOf(
                                (long)
                                        preadv2.invokeExact(
                                                frame.state,
                                                descriptor,
                                                frame.vectors,
                                                1,
                                                position,
                                                RWF_NOWAIT));
            } while (result == -EINTR);
            return result;
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    long pwrite(int descriptor, MemorySegment source, long position) {
        try {
            Frame frame = FRAME.get();
            long result;
            do {
                result =
                        frame.resultOf(
                                (long)
                                        pwrite.invokeExact(
                                                frame.state,
                                                descriptor,
                                                source,
                                                source.byteSize(),
                                                position));
            } while (result == -EINTR);
            return result;
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    /**
     * Sets this thread's vector {@code index} for the next {@link #pwritev}; the memory must stay
     * reachable until then.
     */
    static void setVector(int index, long address, long lengthBytes) {
        FRAME.get().setVector(index, address, lengthBytes);
    }

    /** Writes this thread's first {@code count} vectors. */
    long pwritev(int descriptor, int count, long position) {
        try {
            Frame frame = FRAME.get();
            long result;
            do {
                result =
                        frame.resultOf(
                                (long)
                                        pwritev.invokeExact(
                                                frame.state,
                                                descriptor,
                                                frame.vectors,
                                                count,
                                                position));
            } while (result == -EINTR);
            return result;
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    int fdatasync(int descriptor) {
        return onDescriptor(fdatasync, descriptor);
    }

    int fsync(int descriptor) {
        return onDescriptor(fsync, descriptor);
    }

    private static int onDescriptor(MethodHandle call, int descriptor) {
        try {
            Frame frame = FRAME.get();
            int result;
            do {
                result = frame.resultOf((int) call.invokeExact(frame.state, descriptor));
            } while (result == -EINTR);
            return result;
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    int ftruncate(int descriptor, long sizeBytes) {
        try {
            Frame frame = FRAME.get();
            int result;
            do {
                result =
                        frame.resultOf(
                                (int) ftruncate.invokeExact(frame.state, descriptor, sizeBytes));
            } while (result == -EINTR);
            return result;
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    int fallocate(int descriptor, int mode, long offset, long lengthBytes) {
        try {
            Frame frame = FRAME.get();
            int result;
            do {
                result =
                        frame.resultOf(
                                (int)
                                        fallocate.invokeExact(
                                                frame.state,
                                                descriptor,
                                                mode,
                                                offset,
                                                lengthBytes));
            } while (result == -EINTR);
            return result;
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    /** The offset found. */
    long lseek(int descriptor, long offset, int whence) {
        try {
            Frame frame = FRAME.get();
            return frame.resultOf(
                    (long) lseek.invokeExact(frame.state, descriptor, offset, whence));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    /**
     * Begins to write a range's dirty pages to the disk; does not wait. Its errors mean nothing.
     */
    void startWriteback(int descriptor, long offset, long lengthBytes) {
        advise(syncFileRange, descriptor, offset, lengthBytes, SYNC_FILE_RANGE_WRITE);
    }

    /** Takes a range's clean pages out of the page cache. Its errors mean nothing. */
    void dropCached(int descriptor, long offset, long lengthBytes) {
        advise(fadvise, descriptor, offset, lengthBytes, POSIX_FADV_DONTNEED);
    }

    private static void advise(
            MethodHandle call, int descriptor, long offset, long lengthBytes, int advice) {
        try {
            int _ =
                    (int)
                            call.invokeExact(
                                    FRAME.get().state, descriptor, offset, lengthBytes, advice);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    long sizeBytes(int descriptor) {
        return stat(descriptor, STATX_SIZE, 1);
    }

    long allocatedBytes(int descriptor) {
        return stat(descriptor, STATX_BLOCKS, STAT_BLOCK_BYTES);
    }

    /** statx rather than fstat: its structure is the same on every architecture. */
    private long stat(int descriptor, long field, long unitBytes) {
        try {
            Frame frame = FRAME.get();
            int result;
            do {
                result =
                        frame.resultOf(
                                (int)
                                        statx.invokeExact(
                                                frame.state,
                                                descriptor,
                                                frame.empty,
                                                AT_EMPTY_PATH,
                                                STATX_SIZE_AND_BLOCKS,
                                                frame.stat));
            } while (result == -EINTR);
            return result < 0 ? result : frame.stat.get(JAVA_LONG, field) * unitBytes;
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    static Error unexpected(Throwable thrown) {
        if (thrown instanceof RuntimeException runtime) {
            throw runtime;
        }
        return thrown instanceof Error error ? error : new AssertionError(thrown);
    }

    private static final class Frame {
        final Arena arena = Arena.ofAuto();
        final MemorySegment state = arena.allocate(CAPTURE);
        final MemorySegment vectors = arena.allocate(MAXIMUM_VECTORS * VECTOR_BYTES, Long.BYTES);
        final MemorySegment stat = arena.allocate(STATX_BYTES, Long.BYTES);
        final MemorySegment empty = arena.allocate(1);

        void setVector(int index, long address, long lengthBytes) {
            vectors.set(JAVA_LONG, index * VECTOR_BYTES, address);
            vectors.set(JAVA_LONG, index * VECTOR_BYTES + Long.BYTES, lengthBytes);
        }

        int resultOf(int result) {
            return result == -1 ? -errno() : result;
        }

        long resultOf(long result) {
            return result == -1 ? -errno() : result;
        }

        private int errno() {
            return (int) ERRNO.get(state, 0L);
        }
    }
}
