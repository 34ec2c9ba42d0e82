package dev.tidemark.gateway.demo;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** The ordinary programs the demo works with, and how they are run. */
final class Tools {
    private static final long PATIENCE_SECONDS = 60;

    /** Which Debian package brings each program. */
    private static final Map<String, String> PACKAGES =
            new TreeMap<>(
                    Map.of(
                            "mkfs.ext4", "e2fsprogs",
                            "e2fsck", "e2fsprogs",
                            "debugfs", "e2fsprogs",
                            "nbdcopy", "libnbd-bin"));

    private Tools() {}

    /** What a program said. */
    record Outcome(int code, String output) {
        String firstLine() {
            return output.lines().filter(line -> !line.isBlank()).findFirst().orElse("");
        }
    }

    /** Where a program lies; sbin counts for everybody. */
    static Optional<Path> find(String program) {
        String path = System.getenv().getOrDefault("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin";
        for (String folder : path.split(File.pathSeparator, -1)) {
            Path file = Path.of(folder.isEmpty() ? "." : folder, program);
            if (Files.isExecutable(file) && !Files.isDirectory(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }

    /** Lines that say which program is missing and which package has it. */
    static List<String> missing() {
        List<String> lines = new ArrayList<>();
        PACKAGES.forEach((program, debian) -> {
            if (find(program).isEmpty()) {
                lines.add(program + " is missing: apt-get install " + debian);
            }
        });
        return lines;
    }

    /** Runs a program to its end; both outputs together. */
    static Outcome run(Path folder, String program, String... arguments)
            throws IOException, InterruptedException {
        Path log = Files.createTempFile(folder, program, ".log");
        Process process = start(log, program, arguments);
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException(program + " did not end within " + PATIENCE_SECONDS + " seconds");
        }
        String output = Files.readString(log, StandardCharsets.ISO_8859_1);
        Files.delete(log);
        return new Outcome(process.exitValue(), output);
    }

    /** Starts a program whose outputs go to a file. */
    static Process start(Path log, String program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(
                find(program)
                        .orElseThrow(() -> new IOException(program + " is not installed"))
                        .toString());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("LC_ALL", "C");
        return builder.redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                .start();
    }

    /** Runs a program that must succeed. */
    static void must(Path folder, String program, String... arguments)
            throws IOException, InterruptedException {
        Outcome outcome = run(folder, program, arguments);
        if (outcome.code() != 0) {
            throw new IOException(
                    program
                            + " failed with exit code "
                            + outcome.code()
                            + ": "
                            + outcome.output().strip());
        }
    }
}
