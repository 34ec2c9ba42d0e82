package dev.tidemark.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A tmpfs for a test: one of its own where mounting is allowed, which may then be small, else a
 * folder of the system's.
 */
final class MemoryFileSystem implements AutoCloseable {
    private static final Path SYSTEMS = Path.of("/dev/shm");

    private final Path path;
    private final boolean mounted;

    private MemoryFileSystem(Path path, boolean mounted) {
        this.path = path;
        this.mounted = mounted;
    }

    /**
     * A tmpfs of any size. Fails when there is none: nothing that needs one may be skipped unseen.
     */
    static MemoryFileSystem any(Path mountPoint) throws Exception {
        if (mount(mountPoint, "tmpfs", "size=64m")) {
            return new MemoryFileSystem(mountPoint, true);
        }
        assertThat(type(SYSTEMS))
                .as("mounting is not allowed here, so %s must be a tmpfs", SYSTEMS)
                .isEqualTo("tmpfs");
        return new MemoryFileSystem(Files.createTempDirectory(SYSTEMS, "tidemark"), false);
    }

    /**
     * A file system mounted with these options. Where that is not allowed the test is skipped, but
     * it fails in CI.
     */
    static MemoryFileSystem mounted(Path mountPoint, String type, String options) throws Exception {
        if (!mount(mountPoint, type, options)) {
            assertThat(System.getenv("CI"))
                    .as("CI must run these tests where it may mount")
                    .isNull();
            abort("mounting is not allowed here");
        }
        return new MemoryFileSystem(mountPoint, true);
    }

    private static boolean mount(Path mountPoint, String type, String options) throws Exception {
        Files.createDirectory(mountPoint);
        return run("mount", "-t", type, "-o", options, "tidemark-test", mountPoint.toString()) == 0;
    }

    /** Type of the file system a path is on, as stat names it. */
    static String type(Path path) throws Exception {
        Process stat = new ProcessBuilder("stat", "-f", "-c", "%T", path.toString()).start();
        String type =
                new String(stat.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).trim();
        stat.waitFor();
        return type;
    }

    Path path() {
        return path;
    }

    @Override
    public void close() throws IOException {
        if (mounted) {
            assertThat(run("umount", path.toString())).as("unmounting %s", path).isZero();
        } else {
            FileStorageDirectory.at(SYSTEMS).deleteDirectory(path.toFile().getName());
        }
    }

    private static int run(String... command) throws IOException {
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        try {
            return process.waitFor();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }
}
