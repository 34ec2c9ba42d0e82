package dev.tidemark.gateway.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder that the demo works in, and what has to end with it, also when a signal ends the
 * process: gateways, programs, mounts, and the folder itself when nobody named one. Thread-safe.
 */
final class Scratch implements AutoCloseable {
    private static final int TRIES = 100;

    /** What ends something that the demo has started. */
    @FunctionalInterface
    interface End {
        void run() throws IOException, InterruptedException;
    }

    private final Path path;
    private final boolean temporary;
    private final Deque<End> ends = new ArrayDeque<>();
    private final Thread hook = new Thread(this::signalled, "demo-end");
    private volatile boolean ending;

    private Scratch(Path path, boolean temporary) {
        this.path = path;
        this.temporary = temporary;
    }

    /**
     * Makes it.
     *
     * @param asked empty or missing; null: a temporary one
     */
    static Scratch open(@Nullable Path asked) throws IOException {
        Scratch scratch =
                asked == null
                        ? new Scratch(
                                Files.createTempDirectory("tidemark-demo-").toRealPath(), true)
                        : new Scratch(empty(asked), false);
        Runtime.getRuntime().addShutdownHook(scratch.hook);
        return scratch;
    }

    private static Path empty(Path asked) throws IOException {
        Files.createDirectories(asked);
        try (Stream<Path> content = Files.list(asked)) {
            if (content.findAny().isPresent()) {
                throw new IOException("the folder " + asked + " is not empty; name another");
            }
        }
        return asked.toRealPath();
    }

    Path path() {
        return path;
    }

    /** Has something ended when a signal ends the process; the last one first. */
    void atSignal(End end) {
        synchronized (ends) {
            ends.push(end);
        }
    }

    /**
     * Returns unless a signal is ending the process: what fails then fails because of that, and
     * nobody wants to read it.
     */
    void awaitNoEnd() throws InterruptedException {
        if (ending) {
            new CountDownLatch(1).await();
        }
    }

    /** The story is over: everything was ended in order, and only the folder is left. */
    @Override
    public void close() throws IOException {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            return; // a signal ends the process, and the hook does the same
        }
        unmount();
        if (temporary) {
            delete();
        }
    }

    private void signalled() {
        ending = true;
        synchronized (ends) {
            ends.forEach(Scratch::run);
        }
        // The story may be about to start another program, or to write another file.
        for (int i = 0; i < TRIES && !isClean(); i++) {
            try {
                TimeUnit.MILLISECONDS.sleep(20);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private boolean isClean() {
        boolean programs = ProcessHandle.current().descendants().findAny().isPresent();
        ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
        try {
            boolean mounted = !mounts().isEmpty();
            unmount();
            boolean there = temporary && Files.exists(path);
            if (there) {
                delete();
            }
            return !programs && !mounted && !there;
        } catch (IOException e) {
            return false;
        }
    }

    private static void run(End end) {
        try {
            end.run();
        } catch (IOException | RuntimeException e) {
            System.err.println("tidemark: " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void unmount() throws IOException {
        for (String mount : mounts()) {
            try {
                new ProcessBuilder("fusermount3", "-u", "-z", mount)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Mount points below the folder. */
    private List<String> mounts() throws IOException {
        Path table = Path.of("/proc/self/mounts");
        if (!Files.exists(table)) {
            return List.of();
        }
        return Files.readAllLines(table).stream()
                .map(line -> line.split(" ", 3))
                .filter(fields -> fields.length == 3 && fields[1].startsWith(path + "/"))
                .map(fields -> fields[1])
                .toList();
    }

    private void delete() throws IOException {
        try (Stream<Path> all = Files.walk(path)) {
            for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (java.io.UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
