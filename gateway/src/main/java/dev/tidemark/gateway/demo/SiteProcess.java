package dev.tidemark.gateway.demo;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.GatewayFinder;
import dev.tidemark.gateway.wire.Json;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A site whose gateway is a process of its own, so that it can be killed. It has the Java and the
 * flags that this process has. Not thread-safe, but for {@link #kill}.
 */
final class SiteProcess {
    private static final String MAIN = "dev.tidemark.gateway.cli.Tidemark";

    private final String name;
    private final Path scratch;
    private final List<String> settings;
    private volatile @Nullable Process process;

    /**
     * A site that does not run yet.
     *
     * @param settings keys and values as {@code serve --set} takes them
     */
    SiteProcess(String name, Path scratch, List<String> settings) {
        this.name = name;
        this.scratch = scratch;
        this.settings = List.copyOf(settings);
    }

    private Path data() {
        return scratch.resolve(name);
    }

    /** Empty, and there so that no other is read. */
    private Path configuration() {
        return scratch.resolve(name + ".toml");
    }

    private Path log() {
        return scratch.resolve(name + ".log");
    }

    /** Starts it, and does not wait. */
    void launch() throws IOException {
        Files.writeString(configuration(), "");
        process =
                new ProcessBuilder(command())
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                        .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                        .start();
    }

    /** Waits until it answers. */
    Site awaitServing() throws IOException, InterruptedException {
        Process started = Objects.requireNonNull(process);
        Site.await(
                name + " to serve",
                () -> {
                    if (!started.isAlive()) {
                        throw new IOException(
                                name + " does not start: " + Files.readString(log()).strip());
                    }
                    return announced(started.pid());
                },
                () -> "nothing is announced");
        ApiClient api = GatewayFinder.find(data(), null, null);
        return new Site(name, data(), api);
    }

    /** The file of an earlier start, that was killed, does not count. */
    private boolean announced(long pid) throws IOException {
        Path file = data().resolve("gateway.json");
        if (!Files.exists(file)) {
            return false;
        }
        JsonNode said = Json.MAPPER.readTree(Files.readString(file));
        return said.path("pid").asLong() == pid;
    }

    private List<String> command() {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (isForChild(flag)) {
                command.add(flag);
            }
        }
        command.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        MAIN,
                        "serve",
                        "--config",
                        configuration().toString(),
                        "--data",
                        data().toString()));
        settings.forEach(setting -> command.addAll(List.of("--set", setting)));
        return command;
    }

    /** Agents and what belongs to this process alone stay out; the class archive is only read. */
    private static boolean isForChild(String flag) {
        return (flag.startsWith("-X") || flag.startsWith("-Dio.") || flag.equals("-ea"))
                && !flag.equals("-XX:+AutoCreateSharedArchive");
    }

    long pid() {
        return Objects.requireNonNull(process).pid();
    }

    /** The end of what it printed. */
    List<String> lastWords() throws IOException {
        List<String> lines = Files.exists(log()) ? Files.readAllLines(log()) : List.of();
        return lines.subList(Math.max(0, lines.size() - 20), lines.size());
    }

    /** Asks it to end, and ends it when it does not. */
    void stop() {
        Process running = process;
        if (running != null) {
            running.destroy();
            try {
                if (!running.waitFor(15, TimeUnit.SECONDS)) {
                    kill();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                kill();
            }
        }
    }

    /**
     * Ends it as {@code kill -9} does, and waits for its end; does nothing when it does not run.
     */
    void kill() {
        Process running = process;
        if (running != null) {
            running.destroyForcibly().onExit().join();
        }
    }
}
