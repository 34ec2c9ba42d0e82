package dev.tidemark.storage;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** Descriptors that the process was started with, on Linux ({@code fcntl(2)}). Thread-safe. */
@SuppressWarnings("restricted") // the seam is where native code is called
public final class Descriptors {
    private static final int F_SETFD = 2;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int FD_CLOEXEC = 1;
    private static final int O_NONBLOCK = 0x800;

    private Descriptors() {}

    /**
     * Makes a descriptor non-blocking, as event loops need it, and keeps it from child processes.
     *
     * @return whether it is an open descriptor
     */
    public static boolean adopt(int descriptor) {
        int flags = fcntl(descriptor, F_GETFL, 0);
        return flags >= 0
                && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) >= 0
                && fcntl(descriptor, F_SETFD, FD_CLOEXEC) >= 0;
    }

    private static int fcntl(int descriptor, int command, int argument) {
        Linker linker = Linker.nativeLinker();
        MethodHandle call =
                linker.downcallHandle(
                        linker.defaultLookup().findOrThrow("fcntl"),
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
                        Linker.Option.firstVariadicArg(2));
        try {
            return (int) call.invokeExact(descriptor, command, argument);
        } catch (Throwable thrown) {
            throw new IllegalStateException("fcntl cannot be called", thrown);
        }
    }
}
