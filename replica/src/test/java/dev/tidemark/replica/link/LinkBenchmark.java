package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/**
 * Measures what a link carries: two processes, TLS 1.3 on loopback, compression on, a {@link
 * MixedCorpus}. Each end is charged all CPU time of its process. What arrives is compared by its
 * SHA-256 in a round that is not timed, and by its CRC32C in those that are.
 *
 * <p>As a program: prints a table in Markdown. Arguments: {@code --rounds N}, {@code --seconds N}
 * (of each round), {@code --output FILE} (JSON).
 */
final class LinkBenchmark implements AutoCloseable {
    static final UUID ID = new UUID(1, 1);
    private static final long SEED = 20_260_101;
    private static final int BODIES = 128;
    private static final int WARM_UP_SECONDS = 12;

    private final TestSite site = new TestSite(ID);
    private final MixedCorpus corpus = new MixedCorpus(SEED, BODIES);
    private final WakingHandler waking = new WakingHandler();
    private final Process process;
    private final PrintWriter out;
    private final BufferedReader in;
    private final OutboundChannel channel;

    /** What a round measured; CPU times in seconds. */
    record Round(
            double megabytes,
            double wireMegabytes,
            double seconds,
            double sendingCpu,
            double receivingCpu) {
        double wall() {
            return megabytes / seconds;
        }

        double percent() {
            return 100 * wireMegabytes / megabytes;
        }

        double sending() {
            return megabytes / sendingCpu;
        }

        double receiving() {
            return megabytes / receivingCpu;
        }

        double busier() {
            return Math.min(sending(), receiving());
        }

        double together() {
            return megabytes / (sendingCpu + receivingCpu);
        }
    }

    private static final List<Figure> FIGURES =
            List.of(
                    new Figure("payload, by the clock", "MB/s", 0, Round::wall),
                    new Figure("payload per CPU second, sending end", "MB/s", 0, Round::sending),
                    new Figure(
                            "payload per CPU second, receiving end", "MB/s", 0, Round::receiving),
                    new Figure("payload per CPU second, busier end", "MB/s", 200, Round::busier),
                    new Figure("payload per CPU second, both together", "MB/s", 0, Round::together),
                    new Figure("bytes on the wire to payload", "%", 0, Round::percent));

    /**
     * What is told of a round.
     *
     * @param least the goal; 0 for none
     */
    private record Figure(String text, String unit, int least, ToDoubleFunction<Round> of) {
        double[] sorted(List<Round> rounds) {
            return rounds.stream().mapToDouble(of).sorted().toArray();
        }

        String row(List<Round> rounds) {
            double[] sorted = sorted(rounds);
            double median = sorted[sorted.length / 2];
            return String.format(
                    Locale.ROOT,
                    "| %s | %.1f %s | %.1f-%.1f | %s | %s |\n",
                    text,
                    median,
                    unit,
                    sorted[0],
                    sorted[sorted.length - 1],
                    least == 0 ? "" : ">= " + least,
                    least == 0 ? "" : median >= least ? "yes" : "**no**");
        }
    }

    LinkBenchmark() throws Exception {
        process = far();
        out = new PrintWriter(process.getOutputStream(), true, StandardCharsets.US_ASCII);
        in =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
        out.println(LinkBenchmarkFar.encode(site.authority));
        String[] words = answer().split(" ", -1);
        site.trusted.put(LinkBenchmarkFar.ID, LinkBenchmarkFar.decode(words[1]));
        site.endpoint.dial(LinkBenchmarkFar.ID, List.of("127.0.0.1:" + words[0]));
        long latest = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!site.told.contains("up")) {
            if (System.nanoTime() > latest) {
                throw new IOException("no link: " + site.endpoint.status(LinkBenchmarkFar.ID));
            }
            TimeUnit.MILLISECONDS.sleep(10);
        }
        channel = link().open(1, Unpooled.EMPTY_BUFFER, waking).get(10, TimeUnit.SECONDS);
    }

    /** The other end, on the same JVM with the same flags. */
    private static Process far() throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add(LinkBenchmarkFar.class.getName());
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    private String answer() throws IOException {
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (line.startsWith(LinkBenchmarkFar.ANSWER)) {
                return line.substring(LinkBenchmarkFar.ANSWER.length());
            }
        }
        throw new IOException("the receiving end has ended");
    }

    private Link link() {
        return site.endpoint.link(LinkBenchmarkFar.ID).orElseThrow();
    }

    /** Sends the corpus so many times, and waits until all of it has arrived. */
    private Round run(ContentSum.Kind kind, int passes) throws Exception {
        long bytes = (long) passes * BODIES * MixedCorpus.BODY_BYTES;
        ContentSum sent = new ContentSum(kind);
        for (int pass = 0; pass < passes; pass++) {
            corpus.bodies().forEach(sent::add);
        }
        out.println(kind + " " + bytes);
        answer();
        long wire = link().status().sentWireBytes();
        long begin = System.nanoTime();
        long cpu = LinkBenchmarkFar.cpuNanos();
        for (int pass = 0; pass < passes; pass++) {
            for (ByteBuf body : corpus.bodies()) {
                waking.send(channel, 1, body.retainedSlice());
            }
        }
        String[] words = answer().split(" ", -1);
        double sendingCpu = (LinkBenchmarkFar.cpuNanos() - cpu) / 1e9;
        double seconds = (System.nanoTime() - begin) / 1e9;
        if (!words[1].equals(sent.end())) {
            throw new IOException("what has arrived is not what was sent");
        }
        return new Round(
                bytes / 1e6,
                (link().status().sentWireBytes() - wire) / 1e6,
                seconds,
                sendingCpu,
                Long.parseLong(words[0]) / 1e9);
    }

    /** Rounds of about so many seconds each, after a warm-up. */
    List<Round> measure(int rounds, int seconds) throws Exception {
        run(ContentSum.Kind.SHA_256, 1);
        Round last = run(ContentSum.Kind.CRC_32C, 1);
        long warm = System.nanoTime() + TimeUnit.SECONDS.toNanos(WARM_UP_SECONDS);
        while (System.nanoTime() < warm) {
            last = run(ContentSum.Kind.CRC_32C, 2);
        }
        int passes = (int) Math.max(1, Math.round(seconds * last.wall() * 2 / last.megabytes()));
        List<Round> found = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            Round round = run(ContentSum.Kind.CRC_32C, passes);
            found.add(round);
            System.err.printf(
                    Locale.ROOT,
                    "bench: round %d: %.0f MB/s, per CPU second %.0f sending and %.0f receiving%n",
                    i + 1,
                    round.wall(),
                    round.sending(),
                    round.receiving());
        }
        return found;
    }

    private static String markdown(List<Round> rounds) {
        StringBuilder text = new StringBuilder("| Figure | Median | Spread | Goal | Met |\n");
        text.append("|---|--:|---|---|---|\n");
        FIGURES.forEach(figure -> text.append(figure.row(rounds)));
        return text.toString();
    }

    private static String json(List<Round> rounds) {
        List<String> figures = new ArrayList<>();
        for (Figure figure : FIGURES) {
            String values = rounds.stream().map(figure.of::applyAsDouble).toList().toString();
            figures.add(" \"" + figure.text + "\": " + values);
        }
        return "{\n" + String.join(",\n", figures) + "\n}\n";
    }

    @Override
    public void close() {
        out.close();
        process.onExit().join();
        corpus.close();
        site.close();
    }

    public static void main(String[] arguments) throws Exception {
        int rounds = 5;
        int seconds = 5;
        String output = "";
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--link" -> {
                    // What scripts/bench was asked for.
                }
                case "--rounds" -> rounds = Integer.parseInt(arguments[++i]);
                case "--seconds" -> seconds = Integer.parseInt(arguments[++i]);
                case "--output" -> output = arguments[++i];
                default -> {
                    System.err.println("bench: --link does not take " + arguments[i]);
                    System.exit(2);
                }
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%d cores, load %.1f at the start; %d rounds of about %d s, 128 MiB again and again.%n%n",
                Runtime.getRuntime().availableProcessors(),
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
                rounds,
                seconds);
        try (LinkBenchmark benchmark = new LinkBenchmark()) {
            List<Round> found = benchmark.measure(rounds, seconds);
            System.out.println(markdown(found));
            if (!output.isEmpty()) {
                Files.writeString(Path.of(output), json(found));
            }
        } catch (Exception failure) {
            failure.printStackTrace();
            System.exit(1); // threads of the link may still run
        }
    }
}
