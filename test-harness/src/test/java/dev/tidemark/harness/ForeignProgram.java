package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program of the system, running or ended. One that is missing fails the test. */
final class ForeignProgram implements AutoCloseable {
    private static final String SEARCH_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

    private static final Path SCRATCH = Path.of(System.getProperty("java.io.tmpdir"));

    private final String command;
    private final Path output;
    private final Process process;

    private ForeignProgram(String command, Path output, Process process) {
        this.command = command;
        this.output = output;
        this.process = process;
    }

    /** Starts a program; all it prints goes to a file. */
    static ForeignProgram start(String... command) throws IOException {
        List<String> found = new ArrayList<>(List.of(command));
        found.set(0, find(command[0]).toString());
        Path output = Files.createTempFile(SCRATCH, "program", ".log");
        ProcessBuilder builder = new ProcessBuilder(found);
        builder.environment().put("PATH", SEARCH_PATH);
        builder.environment().put("LC_ALL", "C");
        builder.directory(SCRATCH.toFile()); // fio leaves files where it stands.
        return new ForeignProgram(
                String.join(" ", command),
                output,
                builder.redirectErrorStream(true).redirectOutput(output.toFile()).start());
    }

    /** Runs a program to its end, expects success, and returns all it printed. */
    static String run(String... command) throws IOException, InterruptedException {
        try (ForeignProgram program = start(command)) {
            return program.expectSuccess(Duration.ofMinutes(2));
        }
    }

    String expectSuccess(Duration limit) throws IOException, InterruptedException {
        assertThat(process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS))
                .as("%s ends within %s; it printed:%n%s", command, limit, printed())
                .isTrue();
        assertThat(process.exitValue())
                .as("exit status of %s, which printed:%n%s", command, printed())
                .isZero();
        return printed();
    }

    boolean running() {
        return process.isAlive();
    }

    String printed() throws IOException {
        return Files.readString(output);
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

    void kill() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() throws IOException {
        kill();
        Files.deleteIfExists(output);
    }
}
