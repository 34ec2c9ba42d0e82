package dev.tidemark.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A program of the system, running or ended. One that is missing fails the test. Programs and what
 * they start are looked for in the distribution's folders only: an interpreter that somebody put
 * before them in the PATH lacks the modules that the distribution's has.
 */
public final class ForeignProgram implements AutoCloseable {
    private static final String SEARCH_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

    private static final Path SCRATCH = Path.of(System.getProperty("java.io.tmpdir"));

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final String command;
    private final Path output;
    private final Process process;

    /** How a program ended, and all it printed, errors included. */
    public record Outcome(int status, String printed) {}

    private ForeignProgram(String command, Path output, Process process) {
        this.command = command;
        this.output = output;
        this.process = process;
    }

    /** Starts a program; all it prints goes to a file. */
    public static ForeignProgram start(String... command) throws IOException {
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
    public static String run(String... command) throws IOException, InterruptedException {
        try (ForeignProgram program = start(command)) {
            return program.expectSuccess(PATIENCE);
        }
    }

    /** Runs a program to its end, however it ends. */
    public static Outcome outcome(String... command) throws IOException, InterruptedException {
        try (ForeignProgram program = start(command)) {
            program.expectEnd(PATIENCE);
            return new Outcome(program.process.exitValue(), program.printed());
        }
    }

    /** Waits for the end, expects success, and returns all that was printed. */
    public String expectSuccess(Duration limit) throws IOException, InterruptedException {
        expectEnd(limit);
        assertThat(process.exitValue())
                .as("exit status of %s, which printed:%n%s", command, printed())
                .isZero();
        return printed();
    }

    private void expectEnd(Duration limit) throws IOException, InterruptedException {
        assertThat(process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS))
                .as("%s ends within %s; it printed:%n%s", command, limit, printed())
                .isTrue();
    }

    public boolean running() {
        return process.isAlive();
    }

    /** What it printed so far. */
    public String printed() throws IOException {
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

    /** Sends SIGKILL and waits for the end. */
    public void kill() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() throws IOException {
        kill();
        Files.deleteIfExists(output);
    }
}
