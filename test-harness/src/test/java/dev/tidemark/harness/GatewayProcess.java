package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The gateway as it is shipped, as a process of its own on a scratch directory; can be killed,
 * stopped and started again there. Its ports stay the same from start to start. Not thread-safe,
 * but for {@link #connect} and {@link #kill}.
 */
final class GatewayProcess implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(90);

    /** Below those that the kernel gives to connections. */
    private static final int FIRST_PORT = 20_000;

    private static final int PORTS = 12_000;

    /** Other test processes on this machine are unlikely to begin near. */
    private static final AtomicInteger nextPort =
            new AtomicInteger(ThreadLocalRandom.current().nextInt(PORTS));

    private final Path home;
    private final List<String> prefix;
    private final Map<String, String> settings = new LinkedHashMap<>();
    private final InetSocketAddress nbd;
    private final GatewayApi api;
    private int starts;
    private volatile @Nullable Process process;

    /** A gateway that is not started yet; everything it has and prints lies below home. */
    GatewayProcess(Path home) throws IOException {
        this(home, List.of(), freeAddress(), freeAddress());
    }

    /** The same in a site's network, whose address it listens on for the test outside. */
    GatewayProcess(Path home, SiteNetwork.Site site) {
        this(
                home,
                site.prefix(),
                new InetSocketAddress(site.inside(), 10809),
                new InetSocketAddress(site.inside(), 7117));
        set("api.allow_remote", "true");
        set("nbd.rules", "[" + quoted("read-write * address=" + outside(site)) + "]");
    }

    private static String outside(SiteNetwork.Site site) {
        return site.outside().getHostAddress();
    }

    /** The prefix comes before the command line of the gateway itself, not of its clients. */
    private GatewayProcess(
            Path home, List<String> prefix, InetSocketAddress nbd, InetSocketAddress control) {
        this.home = home;
        this.prefix = prefix;
        this.nbd = nbd;
        api = new GatewayApi(control, data().resolve("token"));
        set("data.directory", quoted(data().toString()));
        set("nbd.listen", "[" + quoted(text(nbd)) + "]");
        set("api.listen", quoted(text(control)));
    }

    /**
     * An address that nobody listens on. It stays free until it is used: no other caller here gets
     * it, and no connection.
     */
    static InetSocketAddress freeAddress() throws IOException {
        while (true) {
            int port = FIRST_PORT + Math.floorMod(nextPort.getAndIncrement(), PORTS);
            try (ServerSocket socket =
                    new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return (InetSocketAddress) socket.getLocalSocketAddress();
            } catch (BindException taken) {
                // The next one, then.
            }
        }
    }

    static String text(InetSocketAddress address) {
        return address.getAddress().getHostAddress() + ":" + address.getPort();
    }

    static String quoted(String text) {
        return '"' + text + '"';
    }

    /**
     * A key of the configuration and its value as TOML writes it; counts from the next start on.
     */
    GatewayProcess set(String key, String toml) {
        settings.put(key, toml);
        return this;
    }

    Path data() {
        return home.resolve("data");
    }

    Path configuration() {
        return home.resolve("tidemark.toml");
    }

    GatewayApi api() {
        return api;
    }

    InetSocketAddress nbdAddress() {
        return nbd;
    }

    String uri(String export) {
        return "nbd://" + text(nbd) + "/" + export;
    }

    NbdTestClient connect(String export) throws IOException {
        return NbdTestClient.connect(nbd, export);
    }

    /** Starts and waits until it is ready. */
    GatewayProcess start() throws Exception {
        launch();
        Await.until("the gateway to be ready", START_LIMIT, this::readyOrDead);
        assertThat(running()).as("the gateway runs; it printed:%n%s", log()).isTrue();
        return this;
    }

    private boolean readyOrDead() throws Exception {
        return !running() || api.ready();
    }

    /** Starts and does not wait. */
    void launch() throws IOException {
        assertThat(running()).as("the gateway runs already").isFalse();
        Files.createDirectories(home);
        writeConfiguration();
        starts++;
        List<String> command = new ArrayList<>(prefix); // "ip netns exec" becomes the gateway
        command.addAll(command("serve", "--config", configuration().toString()));
        process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(logFile().toFile())
                        .start();
    }

    void writeConfiguration() throws IOException {
        List<String> lines = new ArrayList<>();
        settings.forEach((key, value) -> lines.add(key + " = " + value));
        Files.write(configuration(), lines);
    }

    /** The command line of the shipped program, as the launcher script puts it together. */
    static List<String> command(String... arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-ea",
                                "-XX:+UnlockDiagnosticVMOptions",
                                "-XX:-ReduceAllocationMerges",
                                "-XX:+UseG1GC",
                                "-Xmx512m",
                                "-XX:+ExitOnOutOfMemoryError",
                                "--enable-native-access=ALL-UNNAMED",
                                "-jar",
                                jar().toString()));
        command.addAll(List.of(arguments));
        return command;
    }

    /** Found from the module's or the project's directory, so that Maven and IDEs agree. */
    private static Path jar() {
        for (Path folder = Path.of("").toAbsolutePath();
                folder != null;
                folder = folder.getParent()) {
            Path jar = folder.resolve("gateway/target/tidemark.jar");
            if (Files.exists(jar)) {
                return jar;
            }
        }
        throw new AssertionError(
                "gateway/target/tidemark.jar is not built: mvn -pl gateway -am package"
                        + " -DskipTests");
    }

    /** How a command of the command line ended. */
    record Outcome(int status, String printed) {}

    /** Runs a command against this gateway, e.g. {@code volume list}. */
    Outcome command(List<String> arguments) throws Exception {
        List<String> all = new ArrayList<>(arguments);
        all.addAll(List.of("--data", data().toString()));
        Path output = Files.createTempFile(home, "command", ".log");
        Process client =
                new ProcessBuilder(command(all.toArray(String[]::new)))
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        assertThat(client.waitFor(60, TimeUnit.SECONDS)).as("%s ends", arguments).isTrue();
        return new Outcome(client.exitValue(), Files.readString(output));
    }

    /** What it has taken of all processors since it started. */
    Duration cpuTime() {
        return current().info().totalCpuDuration().orElseThrow();
    }

    long pid() {
        return current().pid();
    }

    boolean running() {
        Process current = process;
        return current != null && current.isAlive();
    }

    /** Ends it as a power switch ends a process: no handler runs. */
    void kill() {
        current().destroyForcibly().onExit().join();
    }

    /** Asks it to end (SIGTERM) and returns its exit status. */
    int stop() throws Exception {
        current().destroy();
        return exit(STOP_LIMIT);
    }

    /** Waits for its end; returns the exit status. */
    int exit(Duration limit) throws Exception {
        assertThat(current().waitFor(limit.toMillis(), TimeUnit.MILLISECONDS))
                .as("the gateway ends within %s; it printed:%n%s", limit, log())
                .isTrue();
        return current().exitValue();
    }

    /** Waits for its end, but not longer than this; returns whether it came. */
    boolean endsWithin(Duration limit) throws Exception {
        return current().waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
    }

    private Process current() {
        Process current = process;
        if (current == null) {
            throw new IllegalStateException("the gateway was not started");
        }
        return current;
    }

    /** What it printed since it was last started. */
    String log() throws IOException {
        return Files.exists(logFile()) ? Files.readString(logFile()) : "";
    }

    private Path logFile() {
        return home.resolve("gateway-%03d.log".formatted(starts));
    }

    @Override
    public void close() {
        if (process != null) {
            kill();
        }
    }
}
