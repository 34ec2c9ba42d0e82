package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs the clients that people use. A tool that is missing fails the test. */
final class Tool {
    /** Debian puts all of them there. */
    private static final String SEARCH_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

    private static final int TIMEOUT_SECONDS = 120;

    private Tool() {}

    /** Runs a command to its end, expects success, and returns all it printed. */
    static String run(String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("tool", ".log");
        try {
            Process process = start(output, command);
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError(
                        "%s did not end within %d s:%n%s"
                                .formatted(
                                        String.join(" ", command),
                                        TIMEOUT_SECONDS,
                                        Files.readString(output)));
            }
            String printed = Files.readString(output);
            assertThat(process.exitValue())
                    .as("exit status of %s, which printed:%n%s", String.join(" ", command), printed)
                    .isZero();
            return printed;
        } finally {
            Files.delete(output);
        }
    }

    /** Starts a command that goes on until it is stopped. */
    static Process start(Path output, String... command) throws IOException {
        List<String> found = new ArrayList<>(List.of(command));
        found.set(0, find(command[0]).toString());
        ProcessBuilder builder = new ProcessBuilder(found);
        builder.environment().put("PATH", SEARCH_PATH);
        builder.environment().put("LC_ALL", "C");
        return builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    }

    private static Path find(String name) {
        for (String folder : SEARCH_PATH.split(":", -1)) {
            Path candidate = Path.of(folder, name);
            if (Files.isExecutable(candidate)) {
                return candidate;
            }
        }
        throw new AssertionError(
                name + " is not installed; ./build installs it, or use Debian's package of it");
    }
}
