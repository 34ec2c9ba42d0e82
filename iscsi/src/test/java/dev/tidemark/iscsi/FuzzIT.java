package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Jazzer, guided by coverage, on {@link FuzzTarget}, in a process of its own. Bounded here; {@code
 * scripts/fuzz} runs it for as long as one likes.
 */
final class FuzzIT {
    private static final int SECONDS = Integer.getInteger("tidemark.fuzz.seconds", 40);
    private static final Pattern STATUS = Pattern.compile("#(\\d+)\\s+DONE\\s+cov: (\\d+)");

    /** The seeds alone reach a little more: fewer would mean that they are not what they were. */
    private static final int LEAST_COVERAGE = 2500;

    @TempDir Path folder;

    @Test
    void a_bounded_run_of_the_fuzzer_finds_nothing() throws IOException, InterruptedException {
        Path seeds = folder.resolve("seeds");
        FuzzSeeds.write(seeds);
        Path corpus = Path.of(System.getProperty("tidemark.fuzz.corpus", folder + "/corpus"));
        Files.createDirectories(corpus);
        Path log = folder.resolve("jazzer.log");

        Process fuzzer =
                new ProcessBuilder(command(corpus, seeds))
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        try {
            assertThat(fuzzer.waitFor(SECONDS + 120L, TimeUnit.SECONDS)).isTrue();
        } finally {
            fuzzer.destroyForcibly();
        }

        String printed = Files.readString(log);
        assertThat(fuzzer.exitValue()).as(printed).isZero();
        Matcher status = STATUS.matcher(printed);
        assertThat(status.find()).as(printed).isTrue();
        System.out.printf(
                "fuzzer: %s inputs in %d s, coverage %s%n",
                status.group(1), SECONDS, status.group(2));
        assertThat(Integer.parseInt(status.group(2)))
                .as("coverage: %s", printed)
                .isGreaterThan(LEAST_COVERAGE);
    }

    private static List<String> command(Path corpus, Path seeds) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-ea",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+EnableDynamicAgentLoading",
                "-Xmx1g",
                "-cp",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + FuzzTarget.class.getName(),
                "--instrumentation_includes=dev.tidemark.iscsi.**",
                "--instrumentation_excludes=dev.tidemark.iscsi.Fuzz**:dev.tidemark.iscsi.Test**",
                // Netty's use of Unsafe is not the subject.
                "--custom_hook_includes=dev.tidemark.iscsi.**",
                "--disabled_hooks=com.code_intelligence.jazzer.sanitizers.UnsafeSanitizer",
                "-max_total_time=" + SECONDS,
                "-max_len=8192",
                corpus.toString(),
                seeds.toString());
    }
}
